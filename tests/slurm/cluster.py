"""A Slurm cluster of one node, this machine, started by hand: no accounting, no cgroups."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0
MinJobAge=300
SlurmdTimeout=10
ReturnToService=2
KillWait=3
# Jobs of different owners of a GPU take turns, though there is none.
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE
PartitionName=gpu Nodes={host} MaxTime=INFINITE
"""


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
    # The test kills what has the names of a node's daemons.
    if os.environ.keys() & {"SLURM_CONF", "SLURM_JOB_ID"} or _named("slurmd", "slurmstepd"):
        return "a Slurm is running here"
    return None


class Cluster:
    """Its files, sockets and logs are in a folder, but for links in :data:`CONFIGURATION`."""

    def __init__(self, folder: Path, cpus: int = 2, memory: int = 16_000) -> None:
        self.folder, self._daemons = folder, {}
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        controller_port, node_port = _free_ports(2)
        conf = CONF.format(
            host=socket.gethostname().split(".")[0], folder=folder, cpus=cpus, memory=memory,
            controller_port=controller_port, node_port=node_port,
        )  # fmt: skip
        (folder / "slurm.conf").write_text(conf)
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
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
        self.start_node()

    def __exit__(self, *_) -> None:
        if "slurmctld" in self._daemons:
            self.run("scancel", "--user=root", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self._daemons:
                self._daemons[name].terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for name in FILES:
            (CONFIGURATION / name).unlink(missing_ok=True)

    def run(self, *command: str, check: bool = True) -> str:
        """Output of one of Slurm's commands."""
        done = subprocess.run(command, capture_output=True, text=True, check=check, timeout=60)
        return done.stdout

    def start_node(self) -> None:
        """Start the node's daemon and wait until it takes jobs."""
        self._start("slurmd", "-D", "-c")
        takes = ("idle", "mixed", "allocated")
        self._wait(lambda: self.run("sinfo", "-h", "-o", "%T", check=False).startswith(takes))

    def lose_node(self) -> None:
        """Kill the node's daemon, those of its jobs and all that these run, as when power fails."""
        daemon = self._daemons.pop("slurmd")
        # Each job has a daemon, which is no child of the node's.
        daemons = [daemon.pid, *_named("slurmstepd")]
        for pid in [*daemons, *(found for one in daemons for found in _below(one))]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        daemon.wait()

    def _start(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self._daemons[name] = subprocess.Popen(
                [shutil.which(name, path=_path()), *arguments], stdout=log, stderr=log
            )

    def _wait(self, ready, seconds: float = 60) -> None:
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


def _named(*names: str) -> list[int]:
    """Process ids of what is called so."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() in names:
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            continue
    return found


def _below(pid: int) -> list[int]:
    """Process ids of all descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (*_below(child), child)]
