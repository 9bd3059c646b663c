"""The Spark source on Sail, which speaks Spark Connect without a JVM."""

import pyarrow as pa
import pytest
from commands import bag
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

import claimfeed
from claimfeed import spark as claims


@pytest.fixture(scope="module")
def spark():
    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    _, port = server.listening_address
    made = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    claims.register(made)
    yield made
    made.stop()
    server.stop()


@pytest.mark.parametrize("table", ["CCLF1", "CCLF5", "CCLF7", "CCLF8"])
def test_tables_are_those_without_spark(spark, v3, table):
    found = spark.read.format("claimfeed").options(table=table, target_bytes="400000").load(str(v3)).toArrow()
    assert bag(found) == bag(pa.table(claimfeed.read(v3, table, adjustments="raw")))


def test_final_is_that_without_spark(spark, v3):
    found = claims.final(spark, v3, "CCLF5", target_bytes=400_000).toArrow()
    assert bag(found) == bag(pa.table(claimfeed.read(v3, "CCLF5")))
