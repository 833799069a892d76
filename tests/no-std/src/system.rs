//! The needs of a program without std and without a C library: an entry, two system calls, memory, a panic handler.
//!
//! Linux on x86-64. The only `unsafe` code of the proof; each block says why it is sound.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

// The kernel enters at `_start`, with the stack aligned to 16 bytes; `call` leaves it as the ABI wants it. The rest is
// what the compiler expects to find in a C library, by the shortest way that the processor knows.
global_asm!(
    "
    .globl _start, memcpy, memmove, memset, memcmp, bcmp, rust_eh_personality, _Unwind_Resume
    _start:
        xor ebp, ebp
        call {main}
    rust_eh_personality: // the precompiled `alloc` names these two, but nothing unwinds here
    _Unwind_Resume:
        ud2
    memcpy:
        mov rax, rdi
        mov rcx, rdx
        rep movsb
        ret
    memmove: // from the end where the destination begins inside the source
        mov rax, rdi
        mov rcx, rdx
        mov r8, rdi
        sub r8, rsi
        cmp r8, rdx
        jae 2f
        lea rdi, [rdi + rdx - 1]
        lea rsi, [rsi + rdx - 1]
        std
        rep movsb
        cld
        ret
    2:
        rep movsb
        ret
    memset:
        mov r8, rdi
        mov eax, esi
        mov rcx, rdx
        rep stosb
        mov rax, r8
        ret
    bcmp:
    memcmp:
        xor eax, eax
        mov rcx, rdx
        cmp rcx, rcx // two empty ranges are equal
        repe cmpsb
        je 3f
        movzx eax, byte ptr [rdi - 1]
        movzx ecx, byte ptr [rsi - 1]
        sub eax, ecx
    3:
        ret
    ",
    main = sym crate::main,
);

/// Writes bytes to the standard output; gives up when the kernel refuses them.
pub(crate) fn write(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: `write(1, bytes)` reads the slice and changes no memory.
        let written = unsafe { call(1, 1, bytes.as_ptr() as usize, bytes.len()) };
        match usize::try_from(written).ok().and_then(|n| bytes.get(n..)) {
            Some(rest) if written > 0 => bytes = rest,
            _ => exit(2),
        }
    }
}

/// Ends the program.
pub(crate) fn exit(code: usize) -> ! {
    loop {
        // SAFETY: `exit_group` touches no memory.
        unsafe { call(231, code, 0, 0) };
    }
}

/// A system call of up to three arguments; a negative result is an error.
///
/// # Safety
/// The arguments must be such that the kernel leaves the memory of the program in order.
unsafe fn call(number: usize, a: usize, b: usize, c: usize) -> isize {
    let result;
    // SAFETY: the registers are those of the kernel's calling convention, `rcx` and `r11` are what it overwrites; the
    // rest is up to the caller.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    write(alloc::format!("{info}\n").as_bytes());
    exit(101)
}

const SIZE: usize = 1 << 20;
/// Queues keep what different threads touch 128 bytes apart.
const ALIGN: usize = 128;

/// Memory that is handed out once and never taken back: enough for a program that answers a few requests.
#[repr(C, align(128))]
struct Bump {
    arena: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { arena: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

// SAFETY: every byte belongs to one allocation at most, and is touched by its owner alone.
unsafe impl Sync for Bump {}

// SAFETY: ranges are aligned, since the arena is aligned to `ALIGN` and each one begins at a multiple of its alignment
// from there; they lie in the arena, and never overlap, since `used` only grows.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let begin = |used: usize| used.checked_next_multiple_of(layout.align());
        let end = |used| begin(used)?.checked_add(layout.size()).filter(|end| *end <= SIZE);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end).ok().and_then(begin);
        match taken.filter(|_| layout.align() <= ALIGN) {
            // SAFETY: `start` lies in the arena.
            Some(start) => unsafe { self.arena.get().cast::<u8>().add(start) },
            None => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// The functions of a C library that compression needs.
#[cfg(feature = "deflate")]
mod c {
    use core::alloc::{GlobalAlloc, Layout};
    use core::ffi::{c_char, c_int, c_void};

    // SAFETY: no other function in the program has this name, and it does what the C library's does.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, align: usize, size: usize) -> c_int {
        let Ok(layout) = Layout::from_size_align(size.max(1), align) else { return 22 };
        // SAFETY: the size is not zero.
        let start = unsafe { super::ALLOCATOR.alloc(layout) };
        // SAFETY: the caller gives a place to write to.
        unsafe { place.write(start.cast()) };
        if start.is_null() { 12 } else { 0 }
    }

    // SAFETY: as above; memory is never taken back.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(_: *mut c_void) {}

    // SAFETY: as above.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn strlen(text: *const c_char) -> usize {
        // SAFETY: the caller gives a text that ends with NUL.
        (0..).find(|&i| unsafe { text.add(i).read() } == 0).unwrap_or_default()
    }
}
