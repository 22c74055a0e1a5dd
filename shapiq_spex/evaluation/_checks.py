"""Tell a spectrum from what is made of it."""

from __future__ import annotations

from shapiq_spex.spectrum import FourierSpectrum


def check_spectrum(given: object) -> None:
    """Refuse anything but a spectrum, above all the explanation, which is easily taken for it.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(given, FourierSpectrum):
        msg = (
            "Pass the spectrum that an approximator found, as approximator.spectrum, got "
            f"{type(given).__name__}."
        )
        raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
