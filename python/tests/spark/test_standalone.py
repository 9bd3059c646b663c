"""A standalone cluster on loopback: a master and two workers, ended by their pids."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import pyspark
from commands import bag, convert

HOME = pathlib.Path(pyspark.__file__).parent

DRIVER = """
import sys
import pyarrow.parquet
from spark_session import session
from claimfeed import spark as claims

master, export, out = sys.argv[1:]
spark = session(master)
claims.register(spark)
tables = {
    "raw": spark.read.format("claimfeed").options(table="CCLF5", target_bytes=400_000).load(export),
    "final": claims.final(spark, export, "CCLF1", target_bytes=400_000),
}
for name, frame in tables.items():
    pyarrow.parquet.write_table(frame.toArrow(), f"{out}/{name}.parquet")
workers = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
print("executors", len(workers) - 1)
spark.stop()
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def process(log, *arguments):
    """One of Spark's daemons, which its script becomes."""
    environment = {**os.environ, "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    with open(log, "w") as out:
        started = subprocess.Popen(
            [HOME / "bin/spark-class", *arguments], stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            yield started
        finally:
            started.terminate()
            started.wait(30)


def until(log, words, count=1):
    for _ in range(600):
        if log.exists() and len(re.findall(words, log.read_text())) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"expected `{words}` in {log}, found none in 60 s:\n{log.read_text()[-2000:]}")


def test_two_workers_give_the_commands_rows(deliveries, tmp_path):
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        log = tmp_path / "master.log"
        stack.enter_context(process(
            log, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"))
        until(log, "I have been elected leader")
        for number in range(2):
            stack.enter_context(process(
                tmp_path / f"worker{number}.log", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
                "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(tmp_path / f"work{number}"), master))
        until(log, "Registering worker", 2)
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, master, str(deliveries), str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "executors 2" in done.stdout
    import pyarrow.parquet

    raw = convert(deliveries, tmp_path / "raw", "--adjustments", "raw", "--tables", "CCLF5")
    final = convert(deliveries, tmp_path / "final", "--tables", "CCLF1")
    assert bag(pyarrow.parquet.read_table(tmp_path / "raw.parquet")) == bag(raw["CCLF5"])
    assert bag(pyarrow.parquet.read_table(tmp_path / "final.parquet")) == bag(final["CCLF1"])
