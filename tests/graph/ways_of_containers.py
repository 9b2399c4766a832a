"""Ways through containers: dictionaries, sequences, sets, iterators, buffers of numbers, files and tables."""

import array
import collections
import ctypes
import itertools
import mmap
import types
import weakref

import numpy as np
import pandas as pd

from ways import way


def in_dictionary(make, name):
    def dictionary(k, use):
        held = make(k)
        return lambda x: use(held["k"], x), lambda new: held.__setitem__("k", new)

    dictionary.__name__ = name
    way(dictionary)


class Missing(dict):
    def __missing__(self, key):
        return self["k"]


for name, make in {
    "dictionary": lambda k: {"k": k},
    "ordered_dictionary": lambda k: collections.OrderedDict(k=k),
    "default_dictionary": lambda k: collections.defaultdict(float, k=k),
    "user_dictionary": lambda k: collections.UserDict(k=k),
    "chain_map": lambda k: collections.ChainMap({"k": k}, {"k": 5.0}),
    "object_series": lambda k: pd.Series([k], index=["k"], dtype=object),
}.items():
    in_dictionary(make, name)


def at_index(make, name, index=1, holds="any"):
    def sequence(k, use):
        held = make(k)
        return lambda x: use(held[index], x), lambda new: held.__setitem__(index, new)

    sequence.__name__ = name
    way(holds=holds)(sequence)


at_index(lambda k: [0.0, k], "list_item")
at_index(lambda k: [0.0, k], "last_of_list", -1)
at_index(lambda k: [0.0] * 100 + [k] + [0.0] * 900, "long_list", 100)
at_index(lambda k: collections.deque([0.0, k]), "deque_item")
at_index(lambda k: collections.UserList([0.0, k]), "user_list")
at_index(lambda k: np.array([0.0, k], dtype=object), "object_array")
at_index(lambda k: array.array("d", [0.0, k]), "array_of_doubles", holds="float")
at_index(lambda k: bytearray([0, k]), "byte_array", holds="byte")
at_index(lambda k: memoryview(bytearray([0, k])), "memory_view", holds="byte")
at_index(lambda k: (ctypes.c_double * 2)(0.0, k), "ctypes_array", holds="float")
at_index(lambda k: np.array([0.0, k]), "small_array", holds="float")
at_index(lambda k: np.array([[0.0, 1.0], [0.0, k]]), "item_of_matrix", (1, 1), holds="float")
at_index(lambda k: np.full(70, k), "item_of_array_of_70", 66, holds="float")
at_index(lambda k: pd.Series([0.0, k]).to_dict(), "dictionary_of_series", holds="float")


@way
def dictionary_get(k, use):
    held = {}
    return lambda x: use(held.get("k", k), x), lambda new: held.update(k=new)


@way
def missing_key(k, use):
    held = Missing(k=k)
    return lambda x: use(held["other"], x), lambda new: held.update(k=new)


@way
def key_added_to_front_map(k, use):
    held = collections.ChainMap({}, {"k": k})
    return lambda x: use(held["k"], x), lambda new: held.update(k=new)


@way
def nested_dictionaries(k, use):
    held = {"a": {"b": {"c": {"d": {"e": {"k": k}}}}}}
    return lambda x: use(held["a"]["b"]["c"]["d"]["e"]["k"], x), lambda new: held["a"]["b"]["c"]["d"]["e"].update(k=new)


@way
def mapping_proxy(k, use):
    below = {"k": k}
    held = types.MappingProxyType(below)
    return lambda x: use(held["k"], x), lambda new: below.update(k=new)


@way
def view_of_values(k, use):
    below = {"k": k}
    held = below.values()
    return lambda x: use(next(iter(held)), x), lambda new: below.update(k=new)


@way
def order_of_dictionary(k, use):
    """Always the same keys and values but for one; the first is what counts."""
    held = {"a": k, "b": 0.5}

    def change(new):
        first = next(iter(held))
        held.pop(first)
        held[first] = 0.5
        held[next(iter(held))] = new

    return lambda x: use(next(iter(held.values())), x), change


@way
def list_rebuilt(k, use):
    held = [k]
    return lambda x: use(held[-1], x), lambda new: (held.clear(), held.extend([0.0, new]))


@way
def sum_of_loop(k, use):
    held = [k]

    def f(x):
        total = 0.0
        for item in held:
            total = total + use(item, x)
        return total

    return f, lambda new: held.__setitem__(slice(None), [new])


@way
def tuple_rebound(k, use):
    held = (k, (k, k))

    def change(new):
        nonlocal held
        held = (held[0], (0.0, new))

    return lambda x: use(held[1][1], x), change


@way
def list_in_tuple(k, use):
    held = ([k],)
    return lambda x: use(held[0][0], x), lambda new: held[0].__setitem__(0, new)


@way
def set_member(k, use):
    held = {k}
    return lambda x: use(next(iter(held)), x), lambda new: (held.clear(), held.add(new))


@way
def frozenset_rebound(k, use):
    held = frozenset([k])

    def change(new):
        nonlocal held
        held = frozenset([new])

    return lambda x: use(min(held), x), change


@way
def endless_iterator(k, use):
    box = [k]
    held = map(lambda _: box[0], itertools.count())
    return lambda x: use(next(held), x), lambda new: box.__setitem__(0, new)


@way
def generator(k, use):
    def values():
        while True:
            yield box[0]

    box = [k]
    held = values()
    return lambda x: use(next(held), x), lambda new: box.__setitem__(0, new)


@way
def cycle(k, use):
    held = itertools.cycle([k])

    def change(new):
        nonlocal held
        held = itertools.cycle([new])

    return lambda x: use(next(held), x), change


@way
def weak_dictionary(k, use):
    class Value:
        pass

    held, key = weakref.WeakKeyDictionary(), Value()
    held[key] = k
    return lambda x: use(held[key], x), lambda new: held.__setitem__(key, new)


@way
def getitem_method(k, use):
    class Table:
        def __getitem__(self, key):
            return box[key]

        def __len__(self):
            return 1

    box, table = [k], Table()
    return lambda x: use(table[0], x), lambda new: box.__setitem__(0, new)


@way
def iter_method(k, use):
    class Table:
        def __iter__(self):
            yield box[0]

    box, table = [k], Table()
    return lambda x: sum(use(item, x) for item in table), lambda new: box.__setitem__(0, new)


@way(holds="float")
def memory_view_of_doubles(k, use):
    below = np.array([k])
    held = memoryview(below)
    return lambda x: use(held[0], x), lambda new: below.fill(new)


@way(holds="byte")
def bytes_rebound(k, use):
    held = bytes([k])

    def change(new):
        nonlocal held
        held = bytes([new])

    return lambda x: use(held[0], x), change


@way(holds="byte")
def memory_map(k, use):
    held = mmap.mmap(-1, 1)
    held[0] = k
    return lambda x: use(held[0], x), lambda new: held.__setitem__(0, new)


@way(holds="float")
def array_of_no_dimension(k, use):
    held = np.array(k)
    return lambda x: use(held, x), lambda new: held.fill(new)


@way(holds="float")
def item_of_array(k, use):
    held = np.array([k])
    return lambda x: use(held.item(), x), lambda new: held.fill(new)


@way(holds="float")
def structured_scalar(k, use):
    held = np.array([(k, 1)], dtype=[("k", float), ("n", int)])
    return lambda x: use(held[0]["k"], x), lambda new: held["k"].fill(new)


@way(holds="float")
def structured_scalar_held(k, use):
    below = np.array([(k, 1)], dtype=[("k", float), ("n", int)])
    held = below[0]
    return lambda x: use(held["k"], x), lambda new: below["k"].fill(new)


@way(holds="float")
def series_iloc(k, use):
    held = pd.Series([0.5, k])
    return lambda x: use(held.iloc[1], x), lambda new: held.iloc.__setitem__(1, new)


@way(holds="float")
def series_loc(k, use):
    held = pd.Series({"a": k})
    return lambda x: use(held.loc["a"], x), lambda new: held.loc.__setitem__("a", new)


@way(holds="float")
def frame_iloc(k, use):
    held = pd.DataFrame({"a": [0.5, k], "b": [1.0, 2.0]})
    return lambda x: use(held.iloc[1, 0], x), lambda new: held.iloc.__setitem__((1, 0), new)


@way(holds="float")
def frame_column(k, use):
    held = pd.DataFrame({"a": [k, k]})
    return lambda x: use(held["a"].mean(), x), lambda new: held.__setitem__("a", new)


@way(holds="float")
def frame_loc(k, use):
    held = pd.DataFrame({"a": [k]}, index=["r"])
    return lambda x: use(held.loc["r", "a"], x), lambda new: held.loc.__setitem__(("r", "a"), new)
