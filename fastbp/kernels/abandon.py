"""Steps that take long are given up when the run is asked to stop, as long as no weight has moved: nobody waits for them.

What such a step has changed by then is put back from a copy. UNDO has how many ranges of memory that concerns, and for each
its address, its length in 64-bit words, and the address of the copy.
"""

from . import fields as at
from .memory import read_int, write_int
from .simd.jit import inner
from .team import raise_flag, read_flag

RANGE_FIELDS = 3


def make_abandon(dtype):
    """The functions (stops, keep_for_undo, take_back) for one element type."""

    @inner(dtype)
    def stops(plan, flag):
        """Whether the step is to be given up now; ``flag`` then tells the other threads."""
        if not read_int(plan, at.UNDO):
            return False
        control = read_int(plan, at.CONTROL)
        if read_flag(control, at.STOP):
            raise_flag(control, flag)
            return True
        return False

    @inner(dtype)
    def copy_ranges(table, back):
        """Copy what a step changes before its weights move; with ``back``, from the copies."""
        for i in range(read_int(table, 0)):
            place, words = read_int(table, 1 + RANGE_FIELDS * i), read_int(table, 2 + RANGE_FIELDS * i)
            copy = read_int(table, 3 + RANGE_FIELDS * i)
            source, target = (copy, place) if back else (place, copy)
            for k in range(words):
                write_int(target, k, read_int(source, k))

    @inner(dtype)
    def keep_for_undo(plan, thread):
        """Before a step: thread 0 copies what may have to be put back."""
        table = read_int(plan, at.UNDO)
        if table and thread == 0:
            copy_ranges(table, False)

    @inner(dtype)
    def take_back(plan, thread, flag):
        """After a barrier: whether any thread has given the step up. Then thread 0 puts back what it had changed."""
        table = read_int(plan, at.UNDO)
        if not table or not read_flag(read_int(plan, at.CONTROL), flag):
            return False
        if thread == 0:
            copy_ranges(table, True)
        return True

    return stops, keep_for_undo, take_back
