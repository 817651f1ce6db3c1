"""A Slurm cluster of several nodes on this machine, started by hand: no accounting, no cgroups.

Each node is a ``slurmd -N`` with a port, a spool and a log, in a namespace of processes of its own.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = (
    *("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo"),
    "unshare",
)
# Killed with what started it, a node ends, and with it all that runs on it, as when power fails.
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
# CR_LLN: to the node that has the least to do, so that some jobs are on each.
SelectTypeParameters=CR_CPU_Memory,CR_LLN
SchedulerParameters=sched_interval=2,batch_sched_delay=0
MinJobAge=300
SlurmdTimeout=10
ReturnToService=2
KillWait=3
# Jobs of different owners of a GPU take turns, though there is none.
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=INFINITE
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE
"""
NODE = """\
NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=16000 {gres}"""
NODES = {"cpu1": "", "cpu2": "", "gpu1": "Gres=gpu:1"}
"""Their names, and what they have."""


# Jobs are started without SLURM_CONF, so that the files have to be where Slurm looks for them.
CONFIGURATION = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf")


def obstacle() -> str | None:
    """Why a cluster cannot be started here; None if it can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "only root can start it"
    if any(os.path.lexists(CONFIGURATION / name) for name in FILES):
        return f"this machine has a Slurm of its own in {CONFIGURATION}"
    if os.environ.keys() & {"SLURM_CONF", "SLURM_JOB_ID"}:
        return "a Slurm is running here"
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        return "no namespaces of processes can be made"
    return None


class Cluster:
    """Its files, sockets and logs are in a folder, but for links in :data:`CONFIGURATION`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._daemons = folder, {}
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (folder / name).mkdir()
        host = socket.gethostname().split(".")[0]
        controller_port, *ports = _free_ports(1 + len(NODES))
        nodes = "\n".join(
            NODE.format(name=name, host=host, port=port, gres=gres)
            for port, (name, gres) in zip(ports, NODES.items(), strict=True)
        )
        conf = CONF.format(host=host, folder=folder, controller_port=controller_port, nodes=nodes)
        (folder / "slurm.conf").write_text(conf)
        (folder / "gres.conf").write_text("NodeName=gpu1 Name=gpu File=/dev/null\n")
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)

    def __enter__(self) -> "Cluster":
        CONFIGURATION.mkdir(exist_ok=True)
        try:
            for name in FILES:
                (CONFIGURATION / name).symlink_to(self.folder / name)
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_all(self) -> None:
        self._start(
            "munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
            f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munge.pid",
            f"--log-file={self.folder}/munge.log", f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        self._wait(lambda: (self.folder / "munge.socket").exists())
        self._start("slurmctld", "-D", "-c")
        for node in NODES:
            self._start(*NAMESPACE, "slurmd", "-D", "-c", "-N", node, name=node)
        takes = ("idle", "mixed", "allocated")
        self._wait(lambda: all(self.state(node) in takes for node in NODES))

    def __exit__(self, *_) -> None:
        if "slurmctld" in self._daemons:
            self.run("scancel", "--user=root", check=False)
        for node in self._daemons.keys() & NODES.keys():
            self.lose(node)
        for name in ("slurmctld", "munged"):
            if name in self._daemons:
                self._daemons[name].terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(60)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for name in FILES:
            (CONFIGURATION / name).unlink(missing_ok=True)

    def run(self, *command: str, check: bool = True) -> str:
        """Output of one of Slurm's commands."""
        done = subprocess.run(command, capture_output=True, text=True, check=check, timeout=300)
        return done.stdout

    def state(self, node: str) -> str:
        """Of a node, as ``sinfo`` says it: idle, down*, ..."""
        return self.run("sinfo", "-h", "-N", "-n", node, "-o", "%T", check=False).partition("\n")[0]

    def lose(self, node: str) -> None:
        """Kill a node's daemon, those of its jobs and all that these run."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def ended_jobs(self) -> list[tuple[str, str]]:
        """Node and state of each job that has ended."""
        fields = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in (self.folder / "jobs.txt").read_text().splitlines()
        ]
        return [(job["NodeList"], job["JobState"]) for job in fields]

    def _start(self, *command: str, name: str = "") -> None:
        name = name or command[0]
        with open(self.folder / f"{name}.log", "ab") as log:
            self._daemons[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"PATH": _path()}
            )

    def _wait(self, ready, seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
                raise TimeoutError(f"Slurm does not start:\n{logs}")
            time.sleep(0.2)


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
