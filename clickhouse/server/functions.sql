-- The function that SigNoz's histogram percentiles call (SigNoz's own set-up downloads a binary for
-- it): the value below which a share `q` of the observations lies. Buckets are upper bounds, in any
-- order, one of them inf, with cumulative counts; a count lower than an earlier one is raised to it.
-- Within a bucket the value is interpolated linearly; the first bucket begins at 0. As in Prometheus:
-- https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
-- nan if there are fewer than two buckets, none is infinite, or nothing was observed.
CREATE OR REPLACE FUNCTION histogramQuantile AS (bounds, counts, q) ->
    arrayMap(
        (upper, below) -> multiIf(
            length(upper) < 2 OR upper[-1] != inf OR below[-1] = 0, nan,
            q * below[-1] > below[-2], upper[-2],
            upper[1] <= 0 AND q * below[-1] <= below[1], upper[1],
            arrayMap(
                place -> upper[place - 1] + (upper[place] - upper[place - 1])
                    * if(
                        below[place] = below[place - 1],
                        1,
                        (q * below[-1] - below[place - 1]) / (below[place] - below[place - 1])
                    ),
                [arrayFirstIndex(count -> count >= q * below[-1], below)]
            )[1]
        ),
        [arraySort(bounds)],
        [
            arrayMap(
                place -> arrayMax(
                    arraySlice(arrayMap(pair -> pair.2, arraySort(arrayZip(bounds, counts))), 1, place)
                ),
                arrayEnumerate(bounds)
            )
        ]
    )[1];
