/* csrc/memo.h -- the Memo: which objects of one value were met, and what each became; a map by identity.
 *
 * Who includes it: values.c, once a pass. Lives on the stack of the pass; eight entries need no allocation.
 * Invariants: 1. an original is owned while it stands here, so that no later object can have its address.
 *   2. an entry without a copy is open: its copy is being made, and whoever meets the original has met a cycle.
 *   3. at least a quarter of the slots is free, so that a search ends.
 * Layout: 1 object  2 search  3 changes
 */
#ifndef LIBACTOR_MEMO_H
#define LIBACTOR_MEMO_H

#include "core.h"
#include <stdint.h>

/* ---- 1 object ---- */

typedef struct {
    PyObject *original; /* owned; NULL: a free slot */
    PyObject *copy;     /* owned; NULL while it is being made */
} MemoEntry;

enum { MEMO_SLOTS_FIRST = 8 };

typedef struct {
    MemoEntry *slots; /* `first`, or allocated */
    size_t slot_count; /* a power of two */
    size_t used;
    MemoEntry first[MEMO_SLOTS_FIRST];
} Memo;

static inline void memo_init(Memo *memo)
{
    *memo = (Memo){.slot_count = MEMO_SLOTS_FIRST};
    memo->slots = memo->first;
}

/* ---- 2 search ---- */

/* The entry of `original`, or the free slot where it belongs. */
static inline MemoEntry *memo_find(const Memo *memo, PyObject *original)
{
    uint64_t hash = (uint64_t)((uintptr_t)original >> 4) * 0x9E3779B97F4A7C15u;
    size_t slot = (size_t)(hash >> 32) & (memo->slot_count - 1);
    while (memo->slots[slot].original != NULL && memo->slots[slot].original != original)
        slot = (slot + 1) & (memo->slot_count - 1);
    return &memo->slots[slot];
}

/* ---- 3 changes ---- */

/* 0, or -1 with MemoryError and the memo as it was. */
static inline int memo_grow(Memo *memo)
{
    Memo grown = {.slot_count = memo->slot_count * 4, .used = memo->used};
    grown.slots = PyMem_Calloc(grown.slot_count, sizeof(MemoEntry));
    if (grown.slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < memo->slot_count; i++)
        if (memo->slots[i].original != NULL)
            *memo_find(&grown, memo->slots[i].original) = memo->slots[i];
    if (memo->slots != memo->first)
        PyMem_Free(memo->slots);
    memo->slots = grown.slots;
    memo->slot_count = grown.slot_count;
    return 0;
}

/* Enter `original`, which is not there yet, as open; 0, or -1 with MemoryError. */
static inline int memo_open(Memo *memo, PyObject *original)
{
    if ((memo->used + 1) * 4 > memo->slot_count * 3 && memo_grow(memo) < 0)
        return -1;
    memo_find(memo, original)->original = Py_NewRef(original);
    memo->used++;
    return 0;
}

/* Say what `original`, which is open, became. */
static inline void memo_close(Memo *memo, PyObject *original, PyObject *copy)
{
    memo_find(memo, original)->copy = Py_NewRef(copy);
}

static inline void memo_clear(Memo *memo)
{
    for (size_t i = 0; memo->used > 0 && i < memo->slot_count; i++) {
        Py_XDECREF(memo->slots[i].original);
        Py_XDECREF(memo->slots[i].copy);
    }
    if (memo->slots != memo->first)
        PyMem_Free(memo->slots);
}

#endif
