"""The command line."""
import argparse
import json
import resource
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

from . import build, check, figures, kit, measure, tables
from .peers import PEERS
from .places import TARGET, machine, prepare
from .scenarios import DEFAULT, H2, HTTP, PAGE, SIZES, TLS, WS
from .scenarios import SCENARIOS as REQUESTS
from .server import be_nice

FIGURES = ["memory", "ws-memory", "startup", "counts", "size"]
KIT_FIGURES = ["upload-memory", "coded-sizes"]
SCENARIOS = REQUESTS | kit.KIT
KNOWN = ["check", *SCENARIOS, *FIGURES, *KIT_FIGURES, "clean"]
GROUPS = {"http": list(HTTP), "h2": list(H2), "tls": list(TLS), "ws": list(WS), "figures": FIGURES, "kit": [*kit.KIT, *KIT_FIGURES],
          "all": [*SCENARIOS, *FIGURES, *KIT_FIGURES],
          "growth": [*tables.GROWTH, *tables.GROWTH.values()], "page": [*PAGE, "memory", "ws-memory", "startup"]}


def arguments():
    parser = argparse.ArgumentParser(
        prog="benches/peers/run",
        description="Measures web servers side by side: one thread each, on one core, the load on another.",
        epilog=f"Scenarios: {', '.join(KNOWN)}. Groups: {', '.join(GROUPS)}. Peers: "
        f"{', '.join(peer.name for peer in PEERS)}. docs/evidence/performance.md says what is measured.")
    parser.add_argument("-p", "--peers", default="", help="comma-separated; all by default; -NAME leaves one out")
    parser.add_argument("-s", "--scenarios", default=",".join(DEFAULT), help="comma-separated scenarios or groups")
    parser.add_argument("-r", "--rounds", type=int, default=12)
    parser.add_argument("-d", "--seconds", type=float, default=0.3, help="of one measurement")
    parser.add_argument("-o", "--output", type=Path, help="a file for all tables, as docs/evidence/performance.md has them")
    parser.add_argument("--rate", type=int,
                        help="requests a second of `rate`; half of what the fastest server answers by default")
    parser.add_argument("--conns", type=int, default=5000, help="idle connections for memory and ws-memory")
    parser.add_argument("--nice", type=int, default=0,
                        help="below 0 where other work goes on; then begin with `setsid -w`")
    return parser, parser.parse_args()


def chosen(parser, words, known):
    """The names that the words ask for; those with a - in front are left out."""
    words = [word for word in words.split(",") if word]
    for word in words:
        if word.removeprefix("-") not in known:
            parser.error(f"there is no `{word.removeprefix('-')}`")
    kept = [word for word in words if not word.startswith("-")]
    return [name for name in known if (not kept or name in kept) and f"-{name}" not in words]


def figure(name, peers, options):
    match name:
        case "memory":
            return figures.memory(peers, options.conns)
        case "ws-memory":
            return figures.ws_memory(peers, options.conns)
        case "startup":
            return figures.startup(peers, options.rounds)
        case "counts":
            return figures.counts(peers)
        case "size":
            return figures.size(peers)
        case "clean":
            return figures.clean(peers)
        case "upload-memory":
            return kit.upload_memory(peers)
        case "coded-sizes":
            return kit.coded_sizes(peers)
        case "check":
            return check.check(peers)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parser, options = arguments()
    names = chosen(parser, options.peers, [peer.name for peer in PEERS])
    words = [name for word in options.scenarios.split(",") for name in GROUPS.get(word, [word])]
    scenarios = chosen(parser, ",".join(words), KNOWN)

    prepare(SIZES.values())
    kit.prepare()
    peers = build.available([peer for peer in PEERS if peer.name in names])
    if options.nice:  # not for the builds
        be_nice(options.nice)
    measured = machine()
    print(f"{measured}\n", flush=True)
    results, rows, found = {}, {}, {}
    for name in scenarios:
        scenario = SCENARIOS.get(name)
        if not scenario:
            results[name] = found[name] = figure(name, peers, options)
            if name in tables.FIGURES:
                print(tables.FIGURES[name](found, peers), flush=True)
        elif scenario.mode not in ("wrk", "h2load") or build.tool(scenario.mode, f"`{name}`"):
            able = scenario.able(peers)
            if scenario.mode == "rate":
                scenario, able = at_half(scenario, able, options, found)
            rounds = max(1, round(options.rounds * scenario.rounds))
            samples = measure.measure(scenario, able, rounds, options.seconds)
            rows[name] = measure.summaries(samples, able)
            results[name] = {peer: [asdict(sample) for sample in taken] for peer, taken in samples.items()}
            if rows[name]:
                print(tables.scenario(name, scenario, able, rows[name]), flush=True)
        (TARGET / "results.json").write_text(json.dumps(results, indent=1))
        if options.output:
            options.output.write_text(tables.page(rows, found, peers, measured))
    if len(rows) > 1 or "rate" in rows:
        print(tables.compare(rows, found, peers))
    sys.exit(1 if results.get("check") else 0)


def at_half(scenario, peers, options, found):
    """The scenario at half the rate of the fastest server, and the peers that can answer it."""
    most = found["saturating-rates"] = measure.saturating_rates(scenario, peers, options.seconds)
    found["rate"] = rate = options.rate or measure.half_of_the_fastest(most, peers)
    return replace(scenario, options={"rate": rate}), [peer for peer in peers if most.get(peer.name, 0) > rate]
