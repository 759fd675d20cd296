-- What SigNoz's percentiles over histograms call, and official set-ups download as a program: the
-- value below which a share `q` of the observations lies. Buckets are upper bounds (in any order,
-- one of them inf) with cumulative counts, which are made to never fall; within a bucket it is
-- interpolated from a straight line, and the first begins at 0. As Prometheus does it:
-- https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
-- nan where there are fewer than two buckets, none is infinite, or nothing was observed.
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
