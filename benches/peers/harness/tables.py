"""The tables, from what was measured: `rows` has the summaries of each scenario by peer, `found` the other figures."""
from . import kit
from .figures import CALLS, COUNTED, PROFILES
from .report import best, compared, name, number, ratio, table
from .scenarios import HTTP, WS

COLUMNS = 6
RATES = ("plaintext", "pipelined", "json", "params", "echo", "threads-2")


def ordered(peers):
    """Ours first, what is no server last."""
    return sorted(peers, key=lambda peer: (not peer.ours, peer.ceiling))


def cheapest_first(costs, peers):
    return sorted((peer for peer in peers if peer.name in costs), key=lambda peer: costs[peer.name])


def column(rows, what):
    return {peer: row[what] for peer, row in rows.items() if what in row}


def side_by_side(columns, peers):
    """The lines of a table of values by peer, with their ratios to the best of the others."""
    bests = [best(values, peers) for values in columns]
    return [(name(peer), *(compared(values[peer.name], best) if peer.name in values else ""
                           for values, best in zip(columns, bests)))
            for peer in ordered(peers) if any(peer.name in values for values in columns)]


def scenario(title, scenario, peers, rows):
    """All of one scenario, the cheapest first."""
    named = {peer.name: name(peer) for peer in peers}
    bests = {what: best(column(rows, what), peers, better) for what, better in (("rate", max), ("cpu", min))}
    heads = ["", "per s (q85)", "× best", "CPU µs (q15)", "× best", "CPU µs (median)", "busy"]
    lines = [[named[peer], f"{row['rate']:,.0f}", ratio(row["rate"], bests["rate"]), f"{row['cpu']:.2f}",
              ratio(row["cpu"], bests["cpu"]), f"{row['cpu_median']:.2f}", f"{row['busy']:.2f}"]
             for peer, row in sorted(rows.items(), key=lambda item: item[1]["cpu"])]
    words = " ".join(f"{option}={len(value) if isinstance(value, list) else value}"
                     for option, value in scenario.options.items())
    return table(f"{title}: {scenario.mode} {scenario.path} {words}".rstrip(), heads, lines, conditions(rows.values()))


def conditions(summaries):
    """How often was measured, and how quiet it was."""
    summaries = list(summaries)
    rounds = sorted({row["rounds"] for row in summaries})
    steal = sum(row["steal"] for row in summaries) / len(summaries)
    busy = sorted(row["busy"] for row in summaries)
    span = f"{rounds[0]} to {rounds[-1]}" if len(rounds) > 1 else f"{rounds[0]}"
    return (f"{span} rounds; {steal:.2f} of a core kept by the host; "
            f"servers {busy[len(busy) // 2]:.2f} busy in the median, {busy[0]:.2f} at least.")


def costs(title, names, rows, peers):
    """CPU time per request of every peer in these scenarios, and its ratio to the best of the others."""
    tables = []
    count = -(-len(names) // COLUMNS)  # of tables, about equally wide
    for some in (names[i * len(names) // count:(i + 1) * len(names) // count] for i in range(count)):
        lines = side_by_side([column(rows[what], "cpu") for what in some], peers)
        tables.append(table("" if tables else title, ["", *(f"`{what}`" for what in some)], lines))
    return "\n".join(tables)


def rates(rows, peers):
    """Only ratios: the absolute figures do not carry to another machine."""
    names = [what for what in RATES if what in rows]
    bests = {what: best(column(rows[what], "rate"), peers, max) for what in names}
    lines = [(name(peer), *(ratio(rows[what].get(peer.name, {}).get("rate", 0), bests[what])
                            if peer.name in rows[what] else "" for what in names))
             for peer in ordered(peers) if any(peer.name in rows[what] for what in names)]
    return table("Requests per second, as ratios to the best of the others", ["", *(f"`{n}`" for n in names)], lines)


def latency(rows, found, peers):
    rows, rate, most = rows.get("rate", {}), found.get("rate", 0), found.get("saturating-rates", {})
    quantiles = ("p50", "p90", "p99")
    bests = {what: best(column(rows, what), peers) for what in quantiles}
    lines = []
    for peer in ordered(peers):
        if row := rows.get(peer.name):
            share = [f"{row[what]:.0%}" if what in row else "" for what in ("lowest_p50", "lowest_p99")]
            load = ratio(rate, most.get(peer.name))
            lines.append((name(peer), load, *(compared(row[what], bests[what]) for what in quantiles), *share))
    slow = [f"{peer.name} ({most[peer.name]:,.0f})" for peer in peers if most.get(peer.name, rate) < rate]
    note = f"Not in the table, because they cannot answer this rate: {', '.join(slow)}." if slow else ""
    heads = ["", "of its most", "p50 µs", "p90 µs", "p99 µs", "lowest p50", "lowest p99"]
    return table(f"Latency at {rate:,.0f} requests a second", heads, lines, note)


GROWTH = {"idle-10k": "open-100", "open-10k": "open-100", "threads-2": "plaintext"}


def growth(rows, peers):
    """CPU time per request where more connections are open or more threads run, over that where fewer do."""
    pairs = [(more, fewer) for more, fewer in GROWTH.items() if more in rows and fewer in rows]
    heads, lines = ["", *(f"`{more}` / `{fewer}`" for more, fewer in pairs)], []
    if two := "threads-2" in dict(pairs):
        heads.append("two free cores serve")
    for peer in ordered(peers):
        grown = [rows[more][peer.name]["cpu"] / rows[fewer][peer.name]["cpu"]
                 if peer.name in rows[more] and peer.name in rows[fewer] else None for more, fewer in pairs]
        if any(grown):
            cells = [f"{value:.2f}" if value else "" for value in grown]
            lines.append((name(peer), *cells, *([f"{2 / grown[-1]:.2f}" if grown[-1] else ""] if two else [])))
    return table("Growth of the CPU time per request", heads, lines)


def memory(found, peers):
    http, ws = found.get("memory", {}), found.get("ws-memory", {})

    def each(of, peer):
        return "{:.2f}".format((of[peer][1] - of[peer][0]) / of[peer][2]) if peer in of else ""
    lines = [(name(peer), each(http, peer.name), each(ws, peer.name),
              f"{(http.get(peer.name) or ws[peer.name])[0] / 1024:.1f}")
             for peer in ordered(peers) if peer.name in http or peer.name in ws]
    return table("Memory", ["", "KiB per idle HTTP connection", "KiB per idle WebSocket", "MiB at start"], lines)


def start(found, peers):
    of = found.get("startup", {})
    lines = [(name(peer), *(f"{value:.1f}" for value in of[peer.name])) for peer in cheapest_first(of, peers)]
    return table("Start", ["", "ms (q15)", "CPU ms (q15)"], lines)


def counts(found, peers):
    of = found.get("counts", {})
    heads = [*COUNTED, *(f"{what} calls" for what in CALLS)]

    def cell(row, what):
        return "" if what not in row else f"{row[what]:.2f}" if what.endswith("calls") else f"{row[what]:,.0f}"
    cost = {peer: row.get("plain", row.get("ws-64", 0)) for peer, row in of.items()}
    lines = [(name(peer), *(cell(of[peer.name], what) for what in heads)) for peer in cheapest_first(cost, peers)]
    return table("User-space instructions and system calls per request or message", ["", *heads], lines)


def size(found, peers):
    of = found.get("size", {})
    lines = [(name(peer), f"{of[peer.name] / 1e6:.2f}") for peer in cheapest_first(of, peers)]
    return table("Size of the measured servers", ["", "MB stripped"], lines)


def clean(found, peers):
    built = found.get("clean", {})
    columns = {}
    for profile, words in PROFILES.items():
        taken = {peer.name: built[peer.hello][profile] for peer in peers if profile in built.get(peer.hello, {})}
        columns[f"CPU s, {words}"] = {peer: cpu for peer, (cpu, _) in taken.items()}
        columns[f"MB stripped, {words}"] = {peer: size / 1e6 for peer, (_, size) in taken.items()}
    lines = side_by_side(columns.values(), peers)
    return table("A program that answers one text, built from nothing", ["", *columns], lines)


def upload_memory(found, peers):
    of = found.get("upload-memory", {})
    heads = ["", *(f"{what}, MiB: before" if i == 0 else f"{what}, at most" for what in ("upload", "spool") for i in (0, 1))]
    lines = [(name(peer), *(f"{kib / 1024:.1f}" for what in ("upload", "spool") for kib in of[peer.name].get(what, ())))
             for peer in ordered(peers) if peer.name in of]
    return table("Resident memory during an upload of 1 GiB", heads, lines)


def coded_sizes(found, peers):
    of = found.get("coded-sizes", {})
    heads = list(dict.fromkeys(what for row in of.values() for what in row))
    lines = [(name(peer), *(f"{of[peer.name][what]:,}" if what in of[peer.name] else "" for what in heads))
             for peer in ordered(peers) if peer.name in of]
    return table("Bytes of 100 KiB of JSON, compressed", ["", *(f"`{what}`" for what in heads)], lines)


FIGURES = {"upload-memory": upload_memory, "coded-sizes": coded_sizes, "memory": memory, "ws-memory": memory, "startup": start, "counts": counts, "size": size, "clean": clean}


def compare(rows, found, peers):
    """The scenarios side by side."""
    http = [what for what in HTTP if what in rows and what != "rate"]
    ws = [what for what in WS if what in rows]
    parts = [what for what in kit.KIT if what in rows]
    tables = [costs("CPU µs per request (q15)", http, rows, peers), rates(rows, peers), latency(rows, found, peers),
              growth(rows, peers), costs("WebSocket: CPU µs per message (q15)", ws, rows, peers),
              costs("The toolkit: CPU µs per request (q15)", parts, rows, peers)]
    return "\n".join(filter(None, tables))


def page(rows, found, peers, machine):
    """All tables of docs/evidence/performance.md that were measured."""
    quiet = conditions([row for of in rows.values() for row in of.values()]) if rows else ""
    figures = dict.fromkeys(FIGURES.values())
    return "\n".join(filter(None, [f"{machine}. {quiet}\n", compare(rows, found, peers),
                                   *(figure(found, peers) for figure in figures)]))
