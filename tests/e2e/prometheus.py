# SPDX-License-Identifier: Apache-2.0
"""What a real Prometheus makes of `doppel node --listen`.

prometheus.py DOPPEL PROMETHEUS PROGRAM: PROGRAM is native/faulty_memory.cpp, whose memory has an error that ECC corrects and one that it cannot.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import checks
from checks import expect

CARDS = "rtx-a6000,rtx-pro-5000-blackwell"
SERIES = re.compile(r'(DCGM_\w+)\{gpu="(\d)"[^}]*\} (\S+)')


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Prometheus:
    """A server that scrapes one address ten times a second, and keeps what it finds in a folder."""

    def __init__(self, program: str, folder: pathlib.Path, target: str):
        config = folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 100ms}\nscrape_configs:\n  - job_name: doppel\n"
                          f"    static_configs: [{{targets: ['{target}']}}]\n")
        self.at = f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={self.at}"],
                                        stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "ready to receive web requests" in line:
                return
        sys.exit(f"Prometheus ended: {''.join(said)}")

    # By metric and card.
    def query(self, text: str) -> dict[tuple[str, str], float]:
        with urllib.request.urlopen(f"http://{self.at}/api/v1/query?{urllib.parse.urlencode({'query': text})}") as answer:
            found = json.load(answer)["data"]["result"]
        return {(each["metric"].get("__name__", ""), each["metric"].get("gpu", "")): float(each["value"][1]) for each in found}

    # Asks until `holds` of what is there: the test's time limit ends what never comes.
    def wait_for(self, text: str, holds) -> dict[tuple[str, str], float]:
        while True:
            found = self.query(text)
            if found and holds(found):
                return found

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


def check(doppel: str, prometheus: str, program: str, folder: pathlib.Path) -> None:
    environment = dict(os.environ, DOPPEL_NODE=str(folder / "node"), DOPPEL_CARDS=CARDS)
    subprocess.run([doppel, "smi", "-L"], env=environment, check=True, stdout=subprocess.DEVNULL)
    node = subprocess.Popen([doppel, "node", "--listen", "127.0.0.1:0"], env=environment, stdout=subprocess.PIPE, text=True)
    address = node.stdout.readline().strip()
    server = Prometheus(prometheus, folder, urllib.parse.urlsplit(address).netloc)
    try:
        server.wait_for('up{job="doppel"}', lambda found: set(found.values()) == {1})
        with urllib.request.urlopen(address) as answer:
            told = {(name, gpu): float(value) for name, gpu, value in SERIES.findall(answer.read().decode())}
        kept = server.wait_for('{__name__=~"DCGM_.*"}', lambda found: len(found) >= len(told))
        expect(kept.keys() == told.keys(), f"every series is kept: {kept.keys() ^ told.keys()}")
        for key, value in told.items():
            if "ENERGY" in key[0]:
                expect(0 <= kept[key] <= value, f"{key}: {kept[key]} and later {value}")
            else:
                expect(kept[key] == value, f"{key}: {kept[key]}, and {value} was told")
        expect(kept[("DCGM_FI_DEV_GPU_UTIL", "1")] == 0 and kept[("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "1")] == 0, "an idle card")

        # The second card has ECC as it comes. An error of each kind is found there, and the row of one is replaced.
        done = subprocess.run([doppel, "run", "--card", "rtx-pro-5000-blackwell", "--quiet", "--", program, doppel, "1"],
                              env=environment, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, done.stdout + done.stderr)
        for name, value in (("ECC_SBE_VOL_TOTAL", 1), ("ECC_DBE_VOL_TOTAL", 1), ("ECC_SBE_AGG_TOTAL", 1), ("ECC_DBE_AGG_TOTAL", 1),
                            ("UNCORRECTABLE_REMAPPED_ROWS", 1), ("XID_ERRORS", 63)):
            server.wait_for(f'DCGM_FI_DEV_{name}{{gpu="1"}}', lambda found, value=value: set(found.values()) == {value})
        expect(set(server.query('DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{gpu="0"}').values()) <= {0}, "the other card has none")
        rise = server.wait_for('increase(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION[1m])', lambda found: len(found) == 2)
        expect(all(value > 0 for value in rise.values()), f"the energy of both grows: {rise}")
    finally:
        server.end()
        node.send_signal(signal.SIGTERM)
        node.communicate()
    expect(node.returncode == 0, f"the listener ends in good order: {node.returncode}")


def main() -> int:
    doppel, prometheus, program = (str(pathlib.Path(each).resolve()) for each in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="doppel-prometheus-") as folder:
        check(doppel, prometheus, program, pathlib.Path(folder))
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
