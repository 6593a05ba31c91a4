/* csrc/projection.c -- Transcoder, which libactor.records.Projection compiles a table to: what Python sees of a projection.
 *
 * Who calls: Python code, to render records; chunks, to render what they hold.
 * The lock is let go of where there is much to do. The records are held meanwhile, and never change.
 * Twin: libactor/_core/_projection.py. Layout: 1 making  2 rendering  3 type spec
 */
#include "projection.h"

#define SELF ((ProjectionObject *)op)
#define MUCH 4096 /* bytes of a record: from so many on the lock is let go of */

/* ---- 1 making ---- */

/* A copy of the bytes in `source`, `padding` zeros behind them; NULL with MemoryError. */
static void *copy_padded(const Py_buffer *source, size_t padding)
{
    char *copy = PyMem_Malloc((size_t)source->len + padding);
    if (copy == NULL)
        return PyErr_NoMemory();
    if (source->len > 0)
        memcpy(copy, source->buf, (size_t)source->len);
    memset(copy + source->len, 0, padding);
    return copy;
}

static PyObject *Projection_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"kind", "code", "words", "layout", "pool", NULL};
    PyObject *kind, *module = PyType_GetModuleByDef(type, &core_module);
    Py_buffer code, pool;
    int words, layout;
    if (module == NULL)
        return NULL;
    CoreState *state = PyModule_GetState(module);
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!y*iiy*:Transcoder", names, state->record_kind_type, &kind,
                                     &code, &words, &layout, &pool))
        return NULL;
    ProjectionObject *self = (ProjectionObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->kind = (RecordKindObject *)Py_NewRef(kind);
        self->code = copy_padded(&code, 0);
        self->pool = copy_padded(&pool, JSON_PADDING);
        self->words = words;
        self->layout = layout;
        self->number = ++state->projections;
        if (self->code == NULL || self->pool == NULL)
            Py_CLEAR(self);
    }
    PyBuffer_Release(&code);
    PyBuffer_Release(&pool);
    return (PyObject *)self;
}

static int Projection_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->kind);
    return 0;
}

static void Projection_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->kind);
    PyMem_Free(SELF->code);
    PyMem_Free(SELF->pool);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 2 rendering ---- */

void renderer_begin(Renderer *renderer, const ProjectionObject *self, JsonOut *out, int is_single)
{
    renderer->transcoder = (Transcoder){.code = self->code, .pool = self->pool, .words = self->words, .layout = self->layout,
                                        .out = out, .memos = is_single ? NULL : renderer->memos};
    if (!is_single)
        memset(renderer->memos, 0, sizeof renderer->memos);
}

void renderer_write(Renderer *renderer, const RecordObject *record)
{
    Transcoder *transcoder = &renderer->transcoder;
    transcoder->record = record_bytes(record);
    transcoder->end = transcoder->record + record->size;
    transcode(transcoder, 0, transcoder->words, transcoder->record, transcoder->layout);
}

/* Write records with commas between them. */
static void render(const ProjectionObject *self, RecordObject *const *records, Py_ssize_t count, JsonOut *out)
{
    Renderer renderer;
    renderer_begin(&renderer, self, out, count == 1);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i > 0)
            json_byte(out, ',');
        renderer_write(&renderer, records[i]);
    }
}

/* What was written as bytes, which is freed then; NULL with MemoryError. */
static PyObject *take_bytes(JsonOut *out)
{
    PyObject *bytes = out->failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((char *)out->data, (Py_ssize_t)out->size);
    json_free(out);
    return bytes;
}

/* 1 if it is a record that this projection is for, else 0 with TypeError. */
static int is_own(const ProjectionObject *self, PyObject *record)
{
    if (Py_TYPE(record) == self->kind->record_type && ((RecordObject *)record)->kind == self->kind)
        return 1;
    record_refuse_other(self->kind, "Projection.render", record);
    return 0;
}

static PyObject *Projection_render(PyObject *op, PyObject *given)
{
    JsonOut out = {0};
    RecordObject *record = (RecordObject *)given;
    if (!is_own(SELF, given))
        return NULL;
    if (record->size < MUCH)
        render(SELF, &record, 1, &out);
    else {
        Py_BEGIN_ALLOW_THREADS
        render(SELF, &record, 1, &out);
        Py_END_ALLOW_THREADS
    }
    return take_bytes(&out);
}

static PyObject *Projection_render_all(PyObject *op, PyObject *given)
{
    JsonOut out = {0};
    PyObject *records = PySequence_Tuple(given);
    Py_ssize_t count = records == NULL ? 0 : PyTuple_GET_SIZE(records), own = 0;
    while (own < count && is_own(SELF, PyTuple_GET_ITEM(records, own)))
        own++;
    if (records == NULL || own < count) {
        Py_XDECREF(records);
        return NULL;
    }
    RecordObject *const *first = (RecordObject *const *)((PyTupleObject *)records)->ob_item;
    Py_BEGIN_ALLOW_THREADS
    render(SELF, first, count, &out);
    Py_END_ALLOW_THREADS
    Py_DECREF(records);
    return take_bytes(&out);
}

/* ---- 3 type spec ---- */

static PyMethodDef projection_methods[] = {
    {"render", Projection_render, METH_O,
     "render($self, record, /)\n--\n\nThe JSON text of a record, UTF-8.\n\n"
     "Raises: TypeError unless it is of the projection's own record type."},
    {"render_all", Projection_render_all, METH_O,
     "render_all($self, records, /)\n--\n\nThe JSON texts of records, with commas between them; see render.\n\n"
     "Other threads run meanwhile."},
    {"render_chunks", (PyCFunction)(void (*)(void))projection_chunks, METH_FASTCALL,
     "render_chunks($self, snapshot, start, stop, bytes_max, comma, keep, /)\n--\n\n"
     "The texts of chunks of a snapshot from ``start`` on, and which chunk is next; see Projection.pieces.\n\n"
     "Stops at ``stop``, or where there are ``bytes_max`` bytes, about; one chunk at least. A comma comes first if "
     "``comma``; what is rendered is kept if ``keep``."},
    {"chunk_count", projection_count, METH_O,
     "chunk_count($self, snapshot, /)\n--\n\nHow many chunks a snapshot of the projection's record type has."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Projection[Task]: the type of projections of tasks."},
    {NULL},
};

static PyMemberDef projection_members[] = {
    {"kind", Py_T_OBJECT_EX, offsetof(ProjectionObject, kind), Py_READONLY, "The record type that it is for."},
    {NULL},
};

static PyType_Slot projection_slots[] = {
    {Py_tp_doc, "Writes JSON from the bytes of records; see libactor.records.Projection."},
    {Py_tp_new, Projection_new},
    {Py_tp_traverse, Projection_traverse},
    {Py_tp_dealloc, Projection_dealloc},
    {Py_tp_methods, projection_methods},
    {Py_tp_members, projection_members},
    {0, NULL},
};

PyType_Spec projection_spec = {
    .name = "libactor.records.Transcoder",
    .basicsize = sizeof(ProjectionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = projection_slots,
};
