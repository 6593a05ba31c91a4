/* csrc/ring.h -- a queue of Python objects in one block of memory that grows and shrinks by powers of two.
 *
 * Who uses it: the mailbox and the run queue. Not a type of its own, but a part of theirs.
 * Memory: nothing until the first object arrives; doubled when full; a quarter when an eighth is used, so that a burst
 *   gives back what it took while it drains. Both steps are paid for by the objects that came or went since the last.
 * The GIL: no step below runs Python code or lets go of the GIL, except ring_clear, which therefore empties the ring
 *   before it releases the first object.
 */
#ifndef LIBACTOR_RING_H
#define LIBACTOR_RING_H

#include "core.h"

#define RING_CAPACITY_FIRST 4u
#define RING_CAPACITY_KEPT 16u /* a ring no larger than this is not worth shrinking */
#define RING_CAPACITY_MAX 0x80000000u

typedef struct {
    PyObject **slots;  /* owned block; NULL while capacity is 0 */
    uint32_t capacity; /* 0 or a power of two */
    uint32_t head;     /* the slot of the first object; 0 while capacity is 0 */
    uint32_t count;    /* the objects inside, from head on and round the end; each is owned */
} Ring;

static inline int ring_is_sane(const Ring *ring)
{
    return ring->count <= ring->capacity && (ring->slots == NULL) == (ring->capacity == 0) &&
           (ring->capacity & (ring->capacity - 1)) == 0 && (ring->capacity == 0 || ring->head < ring->capacity);
}

static inline PyObject **ring_slot(const Ring *ring, uint32_t index)
{
    return &ring->slots[(ring->head + index) & (ring->capacity - 1)];
}

/* Move the objects into a block of `capacity` slots, which must hold them; -1 without exception if there is none. */
static inline int ring_resize(Ring *ring, uint32_t capacity)
{
    assert(capacity >= ring->count);
    PyObject **slots = PyMem_Malloc((size_t)capacity * sizeof(PyObject *));
    if (slots == NULL)
        return -1;
    for (uint32_t i = 0; i < ring->count; i++)
        slots[i] = *ring_slot(ring, i);
    PyMem_Free(ring->slots);
    ring->slots = slots;
    ring->capacity = capacity;
    ring->head = 0;
    assert(ring_is_sane(ring));
    return 0;
}

/* Make room for one more object; -1 with MemoryError if there is none. */
static inline int ring_reserve(Ring *ring)
{
    if (ring->count < ring->capacity)
        return 0;
    if (ring->capacity < RING_CAPACITY_MAX &&
        ring_resize(ring, ring->capacity ? ring->capacity * 2 : RING_CAPACITY_FIRST) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static inline int ring_append(Ring *ring, PyObject *object)
{
    if (ring_reserve(ring) < 0)
        return -1;
    *ring_slot(ring, ring->count++) = Py_NewRef(object);
    return 0;
}

static inline int ring_prepend(Ring *ring, PyObject *object)
{
    if (ring_reserve(ring) < 0)
        return -1;
    ring->head = (ring->head - 1) & (ring->capacity - 1);
    ring->count++;
    *ring_slot(ring, 0) = Py_NewRef(object);
    return 0;
}

/* The first object, now the caller's; NULL without exception if there is none. */
static inline PyObject *ring_take(Ring *ring)
{
    if (ring->count == 0)
        return NULL;
    PyObject *object = *ring_slot(ring, 0);
    ring->head = (ring->head + 1) & (ring->capacity - 1);
    ring->count--;
    if (ring->capacity > RING_CAPACITY_KEPT && ring->count <= ring->capacity / 8)
        (void)ring_resize(ring, ring->capacity / 4); /* no memory for a smaller block: the large one serves */
    return object;
}

/* The last object, now the caller's; NULL without exception if there is none. */
static inline PyObject *ring_take_last(Ring *ring)
{
    return ring->count == 0 ? NULL : *ring_slot(ring, --ring->count);
}

/* The object in place `index`, which there is, now the caller's; those before it move up. */
static inline PyObject *ring_remove(Ring *ring, uint32_t index)
{
    PyObject *object = *ring_slot(ring, index);
    for (; index > 0; index--)
        *ring_slot(ring, index) = *ring_slot(ring, index - 1);
    *ring_slot(ring, 0) = object;
    return ring_take(ring);
}

/* Make room for `count` more objects; -1 with MemoryError if there is none. */
static inline int ring_reserve_many(Ring *ring, uint32_t count)
{
    uint64_t wanted = (uint64_t)ring->count + count, capacity = RING_CAPACITY_FIRST;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity <= ring->capacity)
        return 0;
    if (capacity <= RING_CAPACITY_MAX && ring_resize(ring, (uint32_t)capacity) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* The whole content, now the caller's; the ring is as new. */
static inline Ring ring_detach(Ring *ring)
{
    Ring content = *ring;
    *ring = (Ring){0};
    return content;
}

/* Release every object. Runs Python code. */
static inline void ring_clear(Ring *ring)
{
    Ring content = ring_detach(ring);
    for (uint32_t i = 0; i < content.count; i++)
        Py_DECREF(*ring_slot(&content, i));
    PyMem_Free(content.slots);
}

static inline int ring_traverse(const Ring *ring, visitproc visit, void *arg)
{
    for (uint32_t i = 0; i < ring->count; i++)
        Py_VISIT(*ring_slot(ring, i));
    return 0;
}

#endif
