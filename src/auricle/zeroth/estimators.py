"""Estimators: how many losses a step looks at, and how far each direction is then followed."""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from auricle.errors import InputError
from auricle.zeroth.perturbation import check_whole


@dataclass(frozen=True, kw_only=True)
class Estimator(ABC):
    """What all estimators have in common.

    Parameters
    ----------
    queries
        Directions per step.
    """

    queries: int = 1

    def __post_init__(self) -> None:
        check_whole(queries=self.queries)
        if self.queries < self.fewest:
            raise InputError(f"queries={self.queries} was given; {type(self).__name__} needs at least {self.fewest}")

    @property
    def fewest(self) -> int:
        """Fewest directions per step."""
        return 1

    @property
    @abstractmethod
    def points(self) -> tuple[tuple[int, int], ...]:
        """Where the loss is evaluated, in order: (query, sign of the perturbation), a sign of 0 for none."""

    @abstractmethod
    def differences(self, losses: Sequence[float]) -> list[float]:
        """Turn the losses, one for each of `points`, into one difference per query: all that workers exchange."""

    @abstractmethod
    def slopes(self, differences: Sequence[float], eps: Sequence[float]) -> list[float]:
        """Turn differences into one slope per query: the step along a direction is lr times its slope.

        Parameters
        ----------
        differences
            One per query.
        eps
            Distance of the perturbed weights from the weights for each query, in Gaussian lengths.
        """


@dataclass(frozen=True, kw_only=True)
class TwoSided(Estimator):
    """Central differences: (L(w + eps u) - L(w - eps u)) / (2 eps), averaged over the queries. Two passes a query.

    Source: SPSA (Spall 1992), MeZO (2023), PeZO (2025).
    """

    @property
    def points(self) -> tuple[tuple[int, int], ...]:
        """Plus, then minus, for each query."""
        return tuple((query, sign) for query in range(self.queries) for sign in (1, -1))

    def differences(self, losses: Sequence[float]) -> list[float]:
        """Plus minus minus."""
        return [losses[2 * q] - losses[2 * q + 1] for q in range(self.queries)]

    def slopes(self, differences: Sequence[float], eps: Sequence[float]) -> list[float]:
        """Central differences, each its share of the mean."""
        return [d / (2 * e * self.queries) for d, e in zip(differences, eps, strict=True)]


@dataclass(frozen=True, kw_only=True)
class OneSided(Estimator):
    """Forward differences from one unperturbed loss, the step divided by the spread of the losses. One pass a query.

    The spread (standard deviation over the perturbed losses) grows with eps and with the slope of the loss, so that
    the step has a length of its own and `lr` means how far, not how steep: mean over the queries of
    (L_i - L_0) / std(L) along u_i. Steps shrink where the loss is rough and grow where it is flat.

    Source: FZOO (2025), with signs as directions. Deviation: eps is not divided by, as it cancels; FZOO's learning
    rate is ours times eps.
    """

    queries: int = 8

    @property
    def fewest(self) -> int:
        """A spread needs two losses."""
        return 2

    @property
    def points(self) -> tuple[tuple[int, int], ...]:
        """The weights themselves, then plus for each query."""
        return ((0, 0), *((query, 1) for query in range(self.queries)))

    def differences(self, losses: Sequence[float]) -> list[float]:
        """Each perturbed loss minus the unperturbed one."""
        return [loss - losses[0] for loss in losses[1:]]

    def slopes(self, differences: Sequence[float], eps: Sequence[float]) -> list[float]:
        """Forward differences over their spread; no step where all losses are alike."""
        del eps
        spread = statistics.stdev(differences)
        return [d / (spread * self.queries) if spread else 0.0 for d in differences]
