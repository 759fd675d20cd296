"""The stages of training: commands observe them as the service observes those of a request."""

TRAIN = "train model"
"""The whole training; the others are parts of it."""
LOAD = "load judgements"
VALIDATE = "validate judgements"
COMPUTE_FEATURES = "compute features"
FIT = "fit model"
EVALUATE = "evaluate model"
GATE = "apply gate"
REGISTER = "register model"
TRAINING_STAGES = (TRAIN, LOAD, VALIDATE, COMPUTE_FEATURES, FIT, EVALUATE, GATE, REGISTER)
