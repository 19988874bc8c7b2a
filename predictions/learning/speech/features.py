"""One word as numbers: how its spectrum moves, at eight moments."""

from typing import Final

import numpy as np
import scipy.fft

from predictions.learning.speech.terms import RATE, Samples

WINDOW, STEP, N_FFT = RATE // 40, RATE // 100, 256  # 25 ms every 10 ms
N_BANDS, N_CEPSTRA, N_MOMENTS = 23, 13, 8
LOWEST_HZ, HIGHEST_HZ = 100.0, 3800.0
N_FEATURES: Final = N_CEPSTRA * N_MOMENTS + N_CEPSTRA * (N_MOMENTS - 1) + 1
_QUIET = 6.0  # nepers below the loudest: outside the word
_DURATION_WEIGHT = 3.0
_LOUDEST, _FAINTEST = 0.5, 1e-6


def word_features(samples: Samples) -> Samples:
    """Return the features [n] of one word, whatever its length and loudness.

    Mel-frequency cepstra (Davis and Mermelstein 1980) of what is not quiet, averaged
    in eight equal parts; their changes from part to part; the logarithm of the length.
    The loudness as a whole is taken out, the colour of voice and microphone is not.
    """
    bands = _log_bands(samples)
    energy = bands.mean(axis=1)
    inside = np.flatnonzero(energy > energy.max() - _QUIET)
    bands = bands[inside[0] : inside[-1] + 1]
    cepstra = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :N_CEPSTRA]
    cepstra[:, 0] -= cepstra[:, 0].mean()
    moments = _moments(cepstra)
    duration = _DURATION_WEIGHT * np.log(len(cepstra))
    changes = np.diff(moments, axis=0)
    return np.concatenate((moments.ravel(), changes.ravel(), [duration]))


def _moments(cepstra: Samples) -> Samples:
    """Return eight averages of [n, 13] over time, two readings in each."""
    at = np.linspace(0, len(cepstra) - 1, 2 * N_MOMENTS)
    places = np.arange(len(cepstra))
    read = np.stack([np.interp(at, places, one) for one in cepstra.T], axis=1)
    return np.asarray(read.reshape(N_MOMENTS, 2, N_CEPSTRA).mean(axis=1))


def _log_bands(samples: Samples) -> Samples:
    """Return the logarithm of the energy in each band, frame by frame [n, 23]."""
    loudest = float(np.abs(samples).max(initial=0.0))
    even = samples * (_LOUDEST / max(loudest, _FAINTEST))
    raised = np.append(even[:1], even[1:] - 0.95 * even[:-1])
    if len(raised) < WINDOW:
        raised = np.pad(raised, (0, WINDOW - len(raised)))
    starts = STEP * np.arange(1 + (len(raised) - WINDOW) // STEP)
    framed = raised[starts[:, None] + np.arange(WINDOW)] * np.hamming(WINDOW)
    power = np.abs(np.fft.rfft(framed, N_FFT)) ** 2
    return np.asarray(np.log(power @ _BANK.T + 1e-7))


def _bank() -> Samples:
    """Return triangular filters, evenly spaced in mel, [23, 129]."""
    mel = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    edges = 700 * (10 ** (np.linspace(mel[0], mel[1], N_BANDS + 2) / 2595) - 1)
    hertz = np.arange(N_FFT // 2 + 1) * RATE / N_FFT
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


_BANK: Final = _bank()
