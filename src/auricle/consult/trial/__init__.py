"""What a language model's opinion adds to a specialist, measured on labelled windows."""

from auricle.consult.trial.arms import ARMS, Arm, chosen_arms
from auricle.consult.trial.running import Sample, drawn, trial
from auricle.consult.trial.show import figure, markdown, table

__all__ = ["ARMS", "Arm", "Sample", "chosen_arms", "drawn", "figure", "markdown", "table", "trial"]
