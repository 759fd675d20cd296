"""Offline work on the ranking model: judged queries, training, evaluation."""
