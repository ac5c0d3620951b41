"""All variants of all illnesses, by illness and name: `ILLNESSES`."""

from doctor import (
    illnesses_of_the_data,
    illnesses_of_the_fit,
    illnesses_of_the_start,
    illnesses_of_the_steps,
)
from doctor.patients import ILLNESSES

__all__ = [
    "ILLNESSES",
    "illnesses_of_the_data",
    "illnesses_of_the_fit",
    "illnesses_of_the_start",
    "illnesses_of_the_steps",
]
