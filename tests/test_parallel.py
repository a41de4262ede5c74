"""Work by all cores: order, bounded memory, errors; and packing that does not depend on cores."""

import threading

import pytest
from support.pictures import picture, unpaired

from replicate import parallel
from replicate.datasets.packed import load
from replicate.errors import ReplicateError
from replicate.parallel import AHEAD, in_order


def test_results_come_in_the_order_of_the_items_from_threads_at_once():
    both = threading.Barrier(2, timeout=20)  # s; breaks where one thread does all

    def work(n: int) -> int:
        both.wait()
        return n * n

    assert list(in_order(work, range(6), workers=2)) == [0, 1, 4, 9, 16, 25]


def test_items_are_taken_a_few_ahead_only():
    taken = []
    results = in_order(abs, (taken.append(i) or i for i in range(1000)), workers=3)
    assert next(results) == 0 and len(taken) == 3 * AHEAD
    results.close()


def test_an_error_comes_in_its_turn():
    results = in_order(lambda n: 1 // n, (2, 1, 0, 3), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_packed_bytes_do_not_depend_on_the_number_of_cores(root, monkeypatch):
    made = []
    for k, cores in enumerate((1, 5)):
        monkeypatch.setattr(parallel, "cores", lambda n=cores: n)
        folder = unpaired(root / f"set{k}", (30, 2, 1, 1)) / "trainA"
        picture(1).convert("L").save(folder / "grey.png")
        made.append(load(f"set{k}", "train", 16))
    first, second = made
    assert first.names == second.names
    different = {"name": ""}
    assert first.passport | different == second.passport | different


def test_of_two_damaged_files_the_first_is_named_whatever_the_cores(root, monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 4)
    folder = unpaired(root / "mine") / "trainA"
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(ReplicateError, match=r"trainA/1\.png cannot be decoded"):
        load("mine", "train", 16)
