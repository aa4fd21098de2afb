"""The kernel that draws videos under test: each viewer in turn, whatever the block, from the seed alone."""

from __future__ import annotations

import numba
import numpy as np

_U64 = np.uint64
_GOLDEN, _MIX1, _MIX2 = _U64(0x9E3779B97F4A7C15), _U64(0xBF58476D1CE4E5B9), _U64(0x94D049BB133111EB)
_NOTHING = -30.0
"""Logarithm of a probability that is none."""


@numba.njit(cache=True, nogil=True)
def _uniform(seed, viewer, number):  # type: ignore[no-untyped-def]
    """A number in [0, 1) of (seed, viewer, number): splitmix64, so that no draw depends on how the work is cut."""
    state = seed
    for part in (np.uint64(viewer), np.uint64(number)):
        state = (state ^ part) + _GOLDEN
        state = (state ^ (state >> _U64(30))) * _MIX1
        state = (state ^ (state >> _U64(27))) * _MIX2
        state = state ^ (state >> _U64(31))
    return np.float64(state >> _U64(11)) * 2.0**-53


@numba.njit(cache=True, nogil=True)
def _density(logs, density):  # type: ignore[no-untyped-def]
    """Per interval what the product of distribution functions gains over the rise of its logarithm; and all it gains.

    `logs` [nodes] is the sum of the logarithms.
    """
    low, gained = np.exp(logs[0]) if logs[0] > _NOTHING else 0.0, 0.0
    for at in range(density.size):
        high, rise = np.exp(logs[at + 1]) if logs[at + 1] > _NOTHING else 0.0, logs[at + 1] - logs[at]
        density[at] = (high - low) / rise if rise > 1e-6 else high
        gained += high - low
        low = high
    return gained


@numba.njit(cache=True, nogil=True)
def _add(to, times, what):  # type: ignore[no-untyped-def]
    """Adds `times · what` [n] to `to` [n]."""
    for at in range(to.size):
        to[at] += times * np.float64(what[at])


@numba.njit(cache=True, nogil=True, fastmath={"reassoc"})
def _product(one, other):  # type: ignore[no-untyped-def]
    """The dot product, in one order whatever the machine's libraries."""
    total = 0.0
    for at in range(one.size):
        total += np.float64(one[at]) * np.float64(other[at])
    return total


@numba.njit(cache=True, nogil=True)
def _reached(weights, factors, wanted):  # type: ignore[no-untyped-def]
    """Where the running sum of weights times factors first exceeds `wanted`, or the last place above 0."""
    last, total = -1, 0.0
    for place in range(weights.size):
        weight = weights[place] * factors[place]
        if weight > 0:
            last = place
            total += weight
            if total > wanted:
                break
    return last


@numba.njit(cache=True, nogil=True)
def _pick(left, among, density, held, total, across, shares, uniforms):  # type: ignore[no-untyped-def]
    """The place of one draw. By rate it goes in two steps: where the greatest rate lies, and whose it is there."""
    place = -1
    if uniforms[0] < shares[0]:
        place = _reached(among, among, uniforms[1] * among.sum())
    elif uniforms[0] < shares[0] + (1 - shares[0]) * shares[1]:
        at = _reached(density, held, uniforms[1] * total)
        if at >= 0:  # where rounding left a trace of what is gone, nobody stands
            place = _reached(left, across[at], uniforms[2] * held[at])
    return place if place >= 0 else _reached(left, among, uniforms[1] * left.sum())


@numba.njit(cache=True, nogil=True)
def _turns(viewer, seed, left, posteriors, logs, held, odds, shares, drawn, chances):  # type: ignore[no-untyped-def]
    """Draws for one viewer: places into `drawn`. `left` [tests] are the weights of what may be drawn, else 0.

    `logs` and `held` are sums over these, of the logarithms and of weights times their rises. `chances` [turns, 6] are
    those of the draw and of `tables.POLICIES`, in their order.
    """
    every, rises, across, first = posteriors
    tastes, contents, newness = odds
    among, density, uniforms = (left > 0).astype(np.float64), np.empty(held.size), np.empty(3)
    count, whole = among.sum(), left.sum()
    taste, content, new = _product(tastes, among), _product(contents, among), _product(newness, among)
    for turn in range(min(drawn.size, int(count))):
        gained, total = _density(logs, density), _product(density, held)
        for number in range(3):
            uniforms[number] = _uniform(seed, viewer, 3 * turn + number)
        place = _pick(left, among, density, held, total, across[first:], shares, uniforms)
        greatest, by_room = _product(density, rises[place][first:]), left[place] / whole
        by_rate = left[place] * greatest / total if total > 0 else by_room
        drawn[turn] = place
        chances[turn, 0] = shares[0] / count + (1 - shares[0]) * (shares[1] * by_rate + (1 - shares[1]) * by_room)
        chances[turn, 1] = 1 / count
        chances[turn, 2] = tastes[place] / taste
        chances[turn, 3] = contents[place] / content
        chances[turn, 4] = newness[place] / new
        chances[turn, 5] = greatest / gained
        taste, content, new = taste - tastes[place], content - contents[place], new - newness[place]
        count, whole = count - 1, whole - left[place]
        _add(logs, -1.0, every[place][first:])
        _add(held, -left[place], rises[place][first:])
        left[place], among[place] = 0, 0


@numba.njit(cache=True, nogil=True)
def draw(videos, room, posteriors, sums, odds, asked, shares, seed, drawn, chances):  # type: ignore[no-untyped-def]
    """See `exploring.draw`. Intervals in which the product is nothing, whatever is drawn, are left out."""
    every, rises, across = posteriors
    viewers, groups, seen_indptr, seen = asked
    for row in range(viewers.size):
        group = groups[row]  # -1 is the last row: everybody
        left, logs = room[group] * odds[0][row], sums[0][group].copy()
        for i in range(seen_indptr[row], seen_indptr[row + 1]):
            place = np.searchsorted(videos, seen[i])
            if place < videos.size and videos[place] == seen[i] and left[place] > 0:
                logs -= every[group, place]
                left[place] = 0
        first = 0
        while logs[first + 1] - sums[1][group, first + 1] < _NOTHING:
            first += 1
        held = np.zeros(rises.shape[2] - first)
        for place in range(videos.size):
            if left[place] > 0:
                _add(held, left[place], rises[group, place][first:])
        own, of_row = (every[group], rises[group], across[group], first), (odds[0][row], odds[1][row], odds[2])
        _turns(viewers[row], seed, left, own, logs[first:], held, of_row, shares, drawn[row], chances[row])
        for turn in range(drawn.shape[1]):
            if drawn[row, turn] >= 0:
                drawn[row, turn] = videos[drawn[row, turn]]
