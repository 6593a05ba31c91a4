"""Dominant share: how much of a cluster somebody holds, by the resource of which it is most."""

# Who calls: the sorters of the allocator, in their inner loop; the master's ledger, for readers.

from collections.abc import Mapping


def dominant_share(allocated: Mapping[str, int], total: Mapping[str, int]) -> float:
    """Return the largest share of ``total`` that ``allocated`` holds of any one resource; 0.0 if of none.

    Shapes: both map a name to thousandths. Names that the cluster has none of do not count.
    Cost: O(names in ``allocated``). Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 4.
    """
    share = 0.0
    for name, milli in allocated.items():
        whole = total.get(name, 0)
        if whole and milli / whole > share:
            share = milli / whole
    return share
