/* tests/e2e/prometheus.h - checks of Prometheus' text format, version 0.0.4. */
#ifndef BROADSHEET_TESTS_E2E_PROMETHEUS_H
#define BROADSHEET_TESTS_E2E_PROMETHEUS_H

/* Fails the test for each violation of these rules: HELP and TYPE before the samples, each metric
 * once, a number in each sample, counters end in _total, the buckets of a histogram add up to its
 * count. */
void prometheus_check(const char *text);

/* The sum of the samples of `name` that have all of `labels` ('route="x",status="200"' needs its
 * parts in this order); -1 when there is no sample. */
double prometheus_sum(const char *text, const char *name, const char *labels);

#endif
