use std::fs;
use std::os::unix::fs::symlink;

use stelo_core::body::File as _;
use stelo_runtime::check::Folder;

use super::*;

#[test]
fn links_may_not_lead_out_of_the_directory() {
    let folder = Folder::new();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::create_dir(folder.path().join("root-old")).unwrap();
    fs::write(root.join("inside"), "in").unwrap();
    fs::write(folder.path().join("root-old/outside"), "out").unwrap();
    symlink("../root-old/outside", root.join("link")).unwrap();
    symlink("inside", root.join("near")).unwrap();

    let mut directory = Directory::new(&root);
    let read = |directory: &Directory, name: &str| {
        let opened = directory.root().unwrap().find(name)?.open()?;
        opened.file.read(0, opened.metadata.len() as usize)
    };
    assert_eq!(read(&directory, "inside").unwrap(), b"in");
    assert_eq!(read(&directory, "near").unwrap(), b"in");
    assert_eq!(read(&directory, "link").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(directory.open_cached("link".as_ref()).is_none());
    directory.set_follow_symlink(true);
    assert_eq!(read(&directory, "link").unwrap(), b"out");
}

#[test]
fn a_directory_that_cannot_be_served_says_why() {
    let folder = Folder::new();
    let at = |name: &str| Directory::new(folder.path().join(name)).root().unwrap_err();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(at("none"), DirectoryError::Missing { .. }));
    assert!(matches!(at("file"), DirectoryError::NotADirectory { .. }));
}

#[test]
fn a_file_that_is_too_short_is_an_error() {
    let folder = Folder::new();
    let path = folder.path().join("file");
    fs::write(&path, "0123456789").unwrap();
    let file = File::from(fs::File::open(&path).unwrap());
    assert_eq!(file.read(2, 3).unwrap(), b"234");
    assert_eq!(file.read(8, 3).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(file.read_cached(8, 3).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let mut buf = [0; 4];
    assert_eq!(file.read_at(&mut buf, 8).unwrap(), 2);
    assert!(file.descriptor().is_some());
}

#[test]
fn a_changed_file_has_another_version() {
    let folder = Folder::new();
    let path = folder.path().join("file");
    assert!(Version::at(&path).is_none());
    fs::write(&path, "one").unwrap();
    let first = Version::at(&path).unwrap();
    assert!(first == Version::at(&path).unwrap() && !first.is_settled());
    fs::write(&path, "longer").unwrap();
    assert!(first != Version::at(&path).unwrap());
}
