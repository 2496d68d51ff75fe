"""`prometheus_client` for servers of many processes, over one arena instead of a file for each process.

    import shared_value.prometheus

    shared_value.prometheus.install()           # before the first metric, in the process that forks the workers
    ...
    registry = CollectorRegistry()
    shared_value.prometheus.Collector(registry)
    return generate_latest(registry)            # the metrics of all processes

Metrics are made and used as always. Counters, histograms and summaries are sums that all processes add to, by an atomic addition
without a lock: a process that is killed loses at most the addition that it was making, and what it has counted stays. Gauges have a
row for each process, as their `multiprocess_mode` wants; the rows of processes that are gone are removed or joined. So the memory does
not grow with the number of workers that there have been.

It is not the format of the Rust crate `shared-value-metrics`: the two do not read each other's arenas.
"""

from shared_value.prometheus._collector import Collector, mark_process_dead
from shared_value.prometheus._values import install

__all__ = ["Collector", "install", "mark_process_dead"]
