"""The life of the ranking model: judged queries, training, evaluation."""
