"""Tables in Markdown."""


def headline(text):
    print(f"\n### {text}\n")


def note(text):
    print(f"\n{text}", flush=True)


def table(heads, rows):
    rows = [list(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    def line(cells):
        padded = (c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths)))
        print("| " + " | ".join(padded) + " |")
    line(heads)
    print("|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|")
    for row in rows:
        line(row)
    print(end="", flush=True)
