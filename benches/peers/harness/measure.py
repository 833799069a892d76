"""A scenario, measured interleaved: every round visits every server once, and the order turns from round to round, so
that what else the machine does falls on all of them."""
import statistics
import subprocess
from dataclasses import replace

from . import load
from .server import Server, warn

SATURATING_ROUNDS = 4


def measure(scenario, peers, rounds, seconds):
    """The samples of each peer."""
    servers, samples = [], {}
    try:
        for peer in peers:
            try:
                server = Server(peer, scenario.threads, h2=scenario.is_h2, tls=scenario.is_tls).wait()
            except RuntimeError as error:
                warn(error)
                continue
            servers.append(server)
            if once(scenario, server, min(seconds, 0.15)):  # warm
                samples[peer.name] = []
        able = [server for server in servers if server.peer.name in samples]
        for turn in range(rounds):
            first = turn * len(able) // rounds
            order = able[first:] + able[:first]
            for server in order if turn % 2 == 0 else reversed(order):
                sample = once(scenario, server, seconds)
                if sample:
                    sample.turn = turn
                    samples[server.peer.name].append(sample)
    finally:
        for server in servers:
            server.stop()
    return {name: taken for name, taken in samples.items() if taken}


def once(scenario, server, seconds):
    try:
        sample = load.run(scenario, server, seconds)
        server.settle()  # so that the next one has the core to itself
        return sample
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        warn(f"{server.peer.name}: {error}")
        return None


def saturating_rates(scenario, peers, seconds):
    """What each peer answers at most, in requests a second."""
    samples = measure(replace(scenario, mode="closed"), peers, SATURATING_ROUNDS, seconds)
    return {peer: summary(taken)["rate"] for peer, taken in samples.items()}


def half_of_the_fastest(rates, peers):
    """Of the servers, that is; in whole thousands."""
    return int(max(rates[peer.name] for peer in peers if peer.name in rates and not peer.ceiling) // 2000) * 1000


def quantile(values, share):
    values = sorted(values)
    return values[min(int(share * len(values)), len(values) - 1)]


def summary(samples):
    """What a peer has shown. What disturbs only adds, so the lower edge of the rounds is what it costs undisturbed."""
    rates = [s.requests / s.seconds for s in samples]
    cpus = [s.cpu / s.requests * 1e6 for s in samples]
    return {
        "rounds": len(samples),
        "rate": quantile(rates, 0.85),
        "cpu": quantile(cpus, 0.15),
        "cpu_median": statistics.median(cpus),
        "busy": statistics.median(s.cpu / s.seconds for s in samples),
        "steal": sum(s.steal for s in samples) / sum(s.seconds for s in samples),
        **{what: statistics.median(getattr(s, what) for s in samples) for what in ("p50", "p90", "p99")},
    }


def summaries(samples, peers):
    """Of each peer; and in which share of the rounds it was the lowest of the servers."""
    rows = {name: summary(taken) for name, taken in samples.items()}
    ranked = [name for name in rows if name in {peer.name for peer in peers if not peer.ceiling}]
    for what in ("p50", "p99"):
        rounds = {}
        for name in ranked:
            for sample in samples[name]:
                rounds.setdefault(sample.turn, {})[name] = getattr(sample, what)
        for name in ranked:
            lowest = sum(of.get(name) == min(of.values()) for of in rounds.values())
            rows[name][f"lowest_{what}"] = lowest / len(rounds)
    return rows
