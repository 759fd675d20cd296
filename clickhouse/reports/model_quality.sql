-- Model quality by version
-- For each model version: how many recommendations, how high were the scores, how often was a part
-- missing, how many query words are not in its vocabulary, and what feedback did users send? Clicks
-- are also counted by rank: a good ranking is clicked at the top. Counted from the wide events in
-- the logs; repeated feedback counts once.
WITH
    now() - INTERVAL 1 DAY AS since,
    -- Attributes are matched by the end of their name, whatever the service's prefix.
    (map, ending) -> arrayFirst(
        (value, name) -> endsWith(name, ending), mapValues(map), mapKeys(map)
    ) AS own,
    body = 'recommendation.served' AS served,
    own(attributes, '.feedback.kind') AS kind,
    own(attributes, '.feedback.rank_bucket') AS rank,
    toFloat64OrNull(own(attributes, '.score.top')) AS score,
    toFloat64OrNull(own(attributes, '.query.oov_ratio')) AS unknown
SELECT
    own(attributes, '.model.name') AS model,
    own(attributes, '.model.version') AS version,
    countIf(served) AS recommendations,
    round(100 * avgOrNullIf(own(attributes, '.degraded') = 'true', served), 2)
        AS degraded_percent,
    round(quantileExactInclusive(0.1)(score), 3) AS top_score_p10,
    round(quantileExactInclusive(0.5)(score), 3) AS top_score_p50,
    round(quantileExactInclusive(0.9)(score), 3) AS top_score_p90,
    round(100 * avg(unknown), 2) AS unknown_words_percent,
    round(
        100 * countIf(served AND own(attributes, '.relevance.answered') = 'false')
        / nullIf(countIf(served AND own(attributes, '.relevance.answered') != ''), 0),
        2
    ) AS not_answered_percent,
    round(100 * countIf(kind = 'click') / nullIf(recommendations, 0), 2) AS click_through_percent,
    countIf(kind = 'click' AND rank = '1') AS clicks_at_1,
    countIf(kind = 'click' AND rank = '2-3') AS clicks_at_2_to_3,
    countIf(kind = 'click' AND rank = '4-10') AS clicks_at_4_to_10,
    countIf(kind = 'click' AND rank = '11+') AS clicks_at_11_on,
    countIf(kind = 'thumbs_up') AS thumbs_up,
    countIf(kind = 'thumbs_down') AS thumbs_down,
    countIf(kind = 'dismiss') AS dismissed,
    countIf(kind = 'dwell') AS dwelt_on
FROM vitrine.logs
WHERE time > since
    AND (served OR (kind != '' AND own(attributes, '.feedback.repeated') = 'false'))
GROUP BY model, version
ORDER BY recommendations DESC, model, version
