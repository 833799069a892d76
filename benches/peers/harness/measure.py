"""A scenario, measured interleaved: every round visits every server once, and the order turns from round to round, so
that what else the machine does falls on all of them."""
import statistics
import subprocess

from . import load, report
from .server import Server, warn


def measure(scenario, peers, rounds, seconds):
    """The samples of each peer."""
    servers, samples = [], {}
    try:
        for peer in peers:
            try:
                server = Server(peer, scenario.threads, h2=scenario.needs == "h2").wait()
            except RuntimeError as error:
                warn(error)
                continue
            servers.append(server)
            if once(scenario, server, min(seconds, 0.3)):  # warm
                samples[peer.name] = []
        able = [server for server in servers if server.peer.name in samples]
        for turn in range(rounds):
            first = turn * len(able) // rounds
            order = able[first:] + able[:first]
            for server in order if turn % 2 == 0 else reversed(order):
                sample = once(scenario, server, seconds)
                if sample:
                    samples[server.peer.name].append(sample)
    finally:
        for server in servers:
            server.stop()
    return {name: taken for name, taken in samples.items() if taken}


def once(scenario, server, seconds):
    try:
        return load.run(scenario, server, seconds)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        warn(f"{server.peer.name}: {error}")
        return None


def quantile(values, share):
    values = sorted(values)
    return values[min(int(share * len(values)), len(values) - 1)]


def summary(samples):
    """What a peer has shown. What disturbs only adds, so the lower edge of the rounds is what it costs undisturbed."""
    rates = [s.requests / s.seconds for s in samples]
    cpus = [s.cpu / s.requests * 1e6 for s in samples]
    return {
        "rate": quantile(rates, 0.85),
        "cpu": quantile(cpus, 0.15),
        "cpu_median": statistics.median(cpus),
        "busy": statistics.median(s.cpu / s.seconds for s in samples),
        "p50": quantile([s.p50 for s in samples], 0.15),
        "p99": quantile([s.p99 for s in samples], 0.15),
    }


def ranked(peers):
    """The names of those that ours are compared with."""
    return [peer.name for peer in peers if not peer.ours and not peer.ceiling]


def overview(rows, peers):
    """CPU time per request of every peer in every scenario, and its ratio to the best."""
    best = {name: min((row["cpu"] for peer, row in of.items() if peer in ranked(peers)), default=float("nan"))
            for name, of in rows.items()}
    def cell(name, peer):
        row = rows[name].get(peer.name)
        return f"{row['cpu']:.3g} ({row['cpu'] / best[name]:.2f})" if row else ""
    report.headline("CPU µs per request or message (q15), and its ratio to the best of the others")
    report.table(["", *rows], [(peer.name, *(cell(name, peer) for name in rows)) for peer in peers
                               if any(peer.name in of for of in rows.values())])


def show(name, scenario, peers, samples):
    rows = {peer: summary(taken) for peer, taken in samples.items()}
    if not rows:
        return rows
    others = [rows[name] for name in ranked(peers) if name in rows]
    best = {what: best((row[what] for row in others), default=float("nan"))
            for what, best in (("rate", max), ("cpu", min), ("p50", min), ("p99", min))}
    heads = ["", "per s (q85)", "× best", "CPU µs (q15)", "× best", "CPU µs (median)", "busy"]
    if scenario.latency:
        heads += ["p50 µs", "× best", "p99 µs", "× best"]
    lines = []
    for peer, row in sorted(rows.items(), key=lambda item: item[1]["cpu"]):
        line = [peer, f"{row['rate']:,.0f}", f"{row['rate'] / best['rate']:.2f}", f"{row['cpu']:.2f}",
                f"{row['cpu'] / best['cpu']:.2f}", f"{row['cpu_median']:.2f}", f"{row['busy']:.2f}"]
        if scenario.latency:
            line += [f"{row['p50']:.0f}", f"{row['p50'] / best['p50']:.2f}"]
            line += [f"{row['p99']:.0f}", f"{row['p99'] / best['p99']:.2f}"]
        lines.append(line)
    taken = [sample for samples in samples.values() for sample in samples]
    lost = sum(s.steal for s in taken) / sum(s.seconds for s in taken)
    words = " ".join(f"{option}={value}" for option, value in scenario.options.items())
    report.headline(f"{name}: {scenario.mode} {scenario.path} {words}".rstrip())
    report.table(heads, lines)
    report.note(f"{len(taken) // len(rows)} rounds; {lost:.2f} of a core kept by the host")
    return rows
