/* csrc/snapshot.c -- Snapshot: what a collection was at one moment, and the way over its records.
 *
 * Who calls: collection.c makes them, any actor reads them. A snapshot holds chunks and copies nothing: making it costs
 *   one look at each chunk. Whoever changes the collection afterwards changes a copy of a chunk (see chunk.h).
 * When it goes, so do the records that are only in it: a slice at once, the rest waits (see chunk.c).
 * Twin: libactor/_core/_collection.py. Layout: 1 snapshots  2 walks  3 type specs
 */
#include "collection.h"
#include "record_column.h"

/* ---- 1 snapshots ---- */

#define COLUMN_PARTS_MAX (1 << 20)

#define SELF ((SnapshotObject *)op)

PyObject *snapshot_make(CoreState *state, RecordKindObject *kind, Chunk *const *chunks, Py_ssize_t count,
                        Py_ssize_t records)
{
    SnapshotObject *self = PyObject_NewVar(SnapshotObject, (PyTypeObject *)state->snapshot_type, count);
    if (self == NULL)
        return NULL;
    self->pool = &state->chunks;
    self->kind = (RecordKindObject *)Py_NewRef((PyObject *)kind);
    self->records = records;
    for (Py_ssize_t i = 0; i < count; i++) {
        self->chunks[i] = chunks[i];
        chunks[i]->holders++;
    }
    return (PyObject *)self;
}

static void Snapshot_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    ChunkPool *pool = SELF->pool;
    RecordKindObject *kind = SELF->kind;
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++)
        chunk_release(pool, SELF->chunks[i]);
    PyObject_Free(op);
    chunks_free(pool, FREED_AT_ONCE);
    Py_DECREF(kind);
    Py_DECREF(type); /* last: it holds the module, which has the pool */
}

static Py_ssize_t Snapshot_length(PyObject *op)
{
    return SELF->records;
}

static PyObject *Snapshot_kind(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)SELF->kind);
}

static PyObject *Snapshot_repr(PyObject *op)
{
    return PyUnicode_FromFormat("<snapshot of %zd %U records>", SELF->records, SELF->kind->name);
}

static PyObject *Snapshot_reduce(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(protocol))
{
    PyErr_SetString(PyExc_TypeError, "a snapshot cannot be pickled; keep bytes(record) of each of its records");
    return NULL;
}

static PyObject *Snapshot_copy(PyObject *op, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(op); /* nothing in it changes */
}

/* Append the values of the records of some chunks; -1 with an error. */
static int column_fill(RecordColumn *column, Chunk *const *chunks, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        for (int place = 0; place < CHUNK_RECORDS; place++) {
            const RecordObject *record = chunks[i]->records[place];
            if (record != NULL && record_column_put(column, record_field(record, column->number),
                                                    record_bytes(record) + record->size) < 0)
                return -1;
        }
    return 0;
}

static PyObject *Snapshot_column(PyObject *op, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"", "part", "parts", NULL};
    Py_ssize_t part = 0, parts = 1;
    PyObject *field, *number;
    RecordColumn column;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "U|$nn:Snapshot.column", names, &field, &part, &parts))
        return NULL;
    if (part < 0 || part >= parts || parts > COLUMN_PARTS_MAX)
        return PyErr_Format(PyExc_ValueError, "Snapshot.column: got part %zd of %zd, expected part 0 to parts - 1 of at "
                            "most %d", part, parts, COLUMN_PARTS_MAX);
    if ((number = PyDict_GetItemWithError(SELF->kind->places, field)) == NULL) {
        record_refuse_name(SELF->kind, field, PyExc_TypeError);
        return NULL;
    }
    if (record_column_begin(&column, SELF->kind, (uint32_t)PyLong_AsUnsignedLong(number)) < 0)
        return NULL;
    Py_ssize_t count = Py_SIZE(op), first = count * part / parts, past = count * (part + 1) / parts;
    PyObject *values = column_fill(&column, SELF->chunks + first, past - first) == 0 ? Py_NewRef(column.values) : NULL;
    record_column_end(&column);
    return values;
}

#undef SELF

/* ---- 2 walks ---- */

typedef struct {
    PyObject_HEAD
    SnapshotObject *snapshot; /* owned; NULL: it is over */
    Py_ssize_t chunk;         /* the next record is there, or later */
    int place;
} WalkObject;

#define SELF ((WalkObject *)op)

PyObject *Snapshot_iter(PyObject *op)
{
    CoreState *state = core_of_type(Py_TYPE(op));
    WalkObject *walk = PyObject_New(WalkObject, (PyTypeObject *)state->snapshot_walk_type);
    if (walk == NULL)
        return NULL;
    walk->snapshot = (SnapshotObject *)Py_NewRef(op);
    walk->chunk = 0;
    walk->place = 0;
    return (PyObject *)walk;
}

static PyObject *Walk_next(PyObject *op)
{
    SnapshotObject *snapshot = SELF->snapshot;
    if (snapshot == NULL)
        return NULL;
    for (; SELF->chunk < Py_SIZE(snapshot); SELF->chunk++, SELF->place = 0) {
        const Chunk *chunk = snapshot->chunks[SELF->chunk];
        while (SELF->place < CHUNK_RECORDS) {
            RecordObject *record = chunk->records[SELF->place++];
            if (record != NULL)
                return Py_NewRef((PyObject *)record);
        }
    }
    SELF->snapshot = NULL;
    Py_DECREF(snapshot);
    return NULL;
}

static void Walk_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    Py_XDECREF(SELF->snapshot);
    PyObject_Free(op);
    Py_DECREF(type);
}

#undef SELF

/* ---- 3 type specs ---- */

static PyMethodDef snapshot_methods[] = {
    {"column", (PyCFunction)(void (*)(void))Snapshot_column, METH_VARARGS | METH_KEYWORDS,
     "column($self, field, /, *, part=0, parts=1)\n--\n\n"
     "The values of a field of all records, in the order in which they are iterated over.\n\n"
     "A value is what the attribute is, but of an array, a map, a struct or Any its bytes, None if it is left out; of\n"
     "equal ones many are one object. ``part`` of ``parts`` is for who wants to do something else in between: all of\n"
     "them together are the whole, as of Projection.pieces.\n"
     "Raises: TypeError for what is no field; ValueError for a part that there is not."},
    {"__reduce_ex__", Snapshot_reduce, METH_O, NULL},
    {"__copy__", Snapshot_copy, METH_NOARGS, NULL},
    {"__deepcopy__", Snapshot_copy, METH_O, NULL},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Snapshot[Task]: the type of snapshots of tasks."},
    {NULL},
};

static PyGetSetDef snapshot_getters[] = {
    {"kind", Snapshot_kind, NULL, "The kind of its records.", NULL},
    {NULL},
};

static PyType_Slot snapshot_slots[] = {
    {Py_tp_doc, "What a collection was at one moment: it stays so, whatever becomes of the collection.\n\n"
                "len() is the number of records; iterate over them. Made by Collection.snapshot."},
    {Py_tp_iter, Snapshot_iter},
    {Py_tp_repr, Snapshot_repr},
    {Py_sq_length, Snapshot_length},
    {Py_tp_dealloc, Snapshot_dealloc},
    {Py_tp_methods, snapshot_methods},
    {Py_tp_getset, snapshot_getters},
    {0, NULL},
};

PyType_Spec snapshot_spec = {
    .name = "libactor.records.Snapshot",
    .basicsize = offsetof(SnapshotObject, chunks),
    .itemsize = sizeof(Chunk *),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = snapshot_slots,
};

static PyType_Slot snapshot_walk_slots[] = {
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, Walk_next},
    {Py_tp_dealloc, Walk_dealloc},
    {0, NULL},
};

PyType_Spec snapshot_walk_spec = {
    .name = "libactor.records.SnapshotWalk",
    .basicsize = sizeof(WalkObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = snapshot_walk_slots,
};
