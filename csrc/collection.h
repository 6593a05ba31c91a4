/* csrc/collection.h -- collections of records, and their snapshots.
 *
 * Who includes it: collection.c, snapshot.c, module.c; what renders snapshots.
 * The garbage collector looks into neither: they hold their kind, and records, which hold theirs.
 */
#ifndef LIBACTOR_COLLECTION_H
#define LIBACTOR_COLLECTION_H

#include "chunk.h"
#include "record_index.h"

#define KEY_FIELDS_MAX 4

typedef struct {
    PyObject_HEAD
    ChunkPool *pool;
    RecordKindObject *kind; /* owned */
    Chunk **chunks;         /* each held */
    uint32_t count, room;   /* of chunks */
    uint32_t *free_slots;   /* a stack of the places without a record */
    uint32_t free_count, free_room, records;
    RecordIndex index;
    int key_count;
    uint8_t key_fields[KEY_FIELDS_MAX];
} CollectionObject;

/* What a collection was at one moment. */
typedef struct {
    PyObject_VAR_HEAD /* the size is the number of chunks */
    ChunkPool *pool;
    RecordKindObject *kind; /* owned */
    Py_ssize_t records;
    Chunk *chunks[]; /* held */
} SnapshotObject;

/* A snapshot of these chunks, which hold so many records; NULL with MemoryError. Of snapshot.c. */
PyObject *snapshot_make(CoreState *state, RecordKindObject *kind, Chunk *const *chunks, Py_ssize_t count,
                        Py_ssize_t records);
/* What goes over the records of a snapshot. */
PyObject *Snapshot_iter(PyObject *op);

extern PyType_Spec collection_spec;
extern PyType_Spec snapshot_spec;
extern PyType_Spec snapshot_walk_spec;

#endif
