"""How tables and figures look: Markdown; ours in bold, what is no server in italics."""


def table(title, heads, lines, note=""):
    """A table with its headline; nothing without lines."""
    lines = [list(map(str, line)) for line in lines]
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]

    def joined(cells):
        padded = (c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths)))
        return "| " + " | ".join(padded) + " |"
    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    rows = "\n".join([joined(heads), rule, *map(joined, lines)])
    return "\n\n".join(filter(None, [title and f"### {title}", rows, note])) + "\n"


def name(peer):
    return f"**{peer.name}**" if peer.ours else f"*{peer.name}*" if peer.ceiling else peer.name


def number(value):
    """With three digits at least."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def best(values, peers, better=min):
    """The best of the others: neither ours nor what is no server. None if there is no other."""
    return better((values[p.name] for p in peers if p.name in values and not p.ours and not p.ceiling), default=None)


def ratio(value, best):
    return f"{value / best:.2f}" if best else ""


def compared(value, best, form=number):
    """With the ratio to the best in brackets."""
    return form(value) + (f" ({ratio(value, best)})" if best else "")
