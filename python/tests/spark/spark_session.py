"""A Spark of its own for the tests, with the Python that runs them."""

import os
import sys

from pyspark.sql import SparkSession

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def session(master):
    made = (
        SparkSession.builder.master(master)
        .appName("claimfeed")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.executor.memory", "512m")
        .config("spark.cores.max", "2")
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("OFF")
    return made
