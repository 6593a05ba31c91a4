/* csrc/collection.c -- Collection: records by key, of which a snapshot costs next to nothing.
 *
 * Who calls: the one actor that owns it. Not for several threads at once without the interpreter's lock.
 * Records lie in chunks of CHUNK_RECORDS, at places that stay theirs; a place that was left is given to a later record.
 *   The order is that of the places: neither of keys nor of time, and the same as long as nothing changes.
 * What is let go of may run any code (the last record of a kind takes the kind along), which may change this collection:
 *   so a change is over, and the collection whole, before anything goes.
 * Twin: libactor/_core/_collection.py. Layout: 1 keys  2 places  3 changes  4 what Python sees  5 type spec
 */
#include "collection.h"

#define SELF ((CollectionObject *)op)
#define FREED_EACH (2 * CHUNK_RECORDS) /* records that each change frees of chunks that nobody holds */

/* ---- 1 keys ---- */

typedef struct {
    const unsigned char *text[KEY_FIELDS_MAX]; /* borrowed, of a record or of texts that are alive meanwhile */
    size_t size[KEY_FIELDS_MAX];
    uint32_t hash;
} Key;

static uint32_t hash_of(const void *text, size_t size)
{
    uint64_t hash = (uint64_t)PyHash_GetFuncDef()->hash(text, (Py_ssize_t)size); /* seeded: nobody outside knows it */
    return (uint32_t)(hash ^ hash >> 32);
}

static void key_finish(const CollectionObject *self, Key *key)
{
    key->hash = 0;
    for (int i = 0; i < self->key_count; i++)
        key->hash = key->hash * 1000003u ^ hash_of(key->text[i], key->size[i]);
}

static void key_of_record(const CollectionObject *self, const RecordObject *record, Key *key)
{
    PackedHead head = {0};
    const unsigned char *end = record_bytes(record) + record->size;
    for (int i = 0; i < self->key_count; i++) {
        key->text[i] = packed_head(record_field(record, self->key_fields[i]), end, &head);
        key->size[i] = head.count;
    }
}

/* 0, or -1 with TypeError. The key's texts belong to `given`. */
static int key_of_object(const CollectionObject *self, PyObject *given, Key *key)
{
    int is_tuple = self->key_count > 1;
    int is_good = !is_tuple || (PyTuple_Check(given) && PyTuple_GET_SIZE(given) == self->key_count);
    for (int i = 0; i < self->key_count; i++) {
        PyObject *part = !is_good ? NULL : is_tuple ? PyTuple_GET_ITEM(given, i) : given;
        Py_ssize_t size;
        if (part == NULL || !PyUnicode_Check(part)) {
            PyErr_Format(PyExc_TypeError, "Collection: got key %.200R, expected %d text%s", given, self->key_count,
                         is_tuple ? "s, as a tuple" : "");
            return -1;
        }
        key->text[i] = (const unsigned char *)PyUnicode_AsUTF8AndSize(part, &size);
        if (key->text[i] == NULL)
            return -1;
        key->size[i] = (size_t)size;
    }
    key_finish(self, key);
    return 0;
}

static RecordObject *record_at(const CollectionObject *self, uint32_t slot)
{
    return self->chunks[slot / CHUNK_RECORDS]->records[slot % CHUNK_RECORDS];
}

static int key_is(const CollectionObject *self, const Key *key, const RecordObject *record)
{
    Key other;
    key_of_record(self, record, &other);
    for (int i = 0; i < self->key_count; i++)
        if (other.size[i] != key->size[i] || memcmp(other.text[i], key->text[i], key->size[i]) != 0)
            return 0;
    return 1;
}

static IndexEntry *find(const CollectionObject *self, const Key *key)
{
    const RecordIndex *index = &self->index;
    if (index->entries == NULL)
        return NULL;
    for (uint32_t at = key->hash & index->mask; index->entries[at].slot != 0; at = (at + 1) & index->mask) {
        IndexEntry *entry = index->entries + at;
        if (entry->hash == key->hash && key_is(self, key, record_at(self, entry->slot - 1)))
            return entry;
    }
    return NULL;
}

/* ---- 2 places ---- */

/* Room in an array that grows, of items of this size; 0, or -1 with MemoryError. */
static int make_room(void **items, uint32_t *room, uint32_t wanted, size_t item)
{
    if (wanted <= *room)
        return 0;
    uint32_t more = *room < 8 ? 8 : *room * 2;
    void *grown = PyMem_Realloc(*items, (more < wanted ? wanted : more) * item);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *items = grown;
    *room = more < wanted ? wanted : more;
    return 0;
}

/* A place for one more record, at the top of the stack; 0, or -1 with MemoryError. */
static int find_place(CollectionObject *self)
{
    if (self->free_count > 0)
        return 0;
    if (make_room((void **)&self->chunks, &self->room, self->count + 1, sizeof *self->chunks) < 0 ||
        make_room((void **)&self->free_slots, &self->free_room, (self->count + 1) * CHUNK_RECORDS,
                  sizeof *self->free_slots) < 0)
        return -1;
    Chunk *chunk = chunk_new();
    if (chunk == NULL)
        return -1;
    for (uint32_t i = CHUNK_RECORDS; i > 0; i--)
        self->free_slots[self->free_count++] = self->count * CHUNK_RECORDS + i - 1;
    self->chunks[self->count++] = chunk;
    return 0;
}

/* Put a record, or NULL, at a place; `before` gets what was there, for the caller to let go of when the change is over.
 * 0, or -1 with MemoryError and nothing done. */
static int put_at(CollectionObject *self, uint32_t slot, RecordObject *record, RecordObject **before)
{
    Chunk **place = self->chunks + slot / CHUNK_RECORDS, *chunk = chunk_own(self->pool, *place);
    if (chunk == NULL)
        return -1;
    *place = chunk;
    *before = chunk_put(self->pool, chunk, (int)(slot % CHUNK_RECORDS), record);
    return 0;
}

/* ---- 3 changes ---- */

static int add(CollectionObject *self, const Key *key, RecordObject *record)
{
    RecordObject *nothing;
    if (index_reserve(&self->index) < 0 || find_place(self) < 0)
        return -1;
    uint32_t slot = self->free_slots[self->free_count - 1];
    if (put_at(self, slot, record, &nothing) < 0)
        return -1;
    self->free_count--;
    self->records++;
    index_add(&self->index, key->hash, slot);
    return 0;
}

static int collection_put(CollectionObject *self, RecordObject *record)
{
    Key key;
    RecordObject *before = NULL;
    key_of_record(self, record, &key);
    key_finish(self, &key);
    IndexEntry *entry = find(self, &key);
    int answer = entry == NULL ? add(self, &key, record) : put_at(self, entry->slot - 1, record, &before);
    Py_XDECREF(before);
    chunks_free(self->pool, FREED_EACH);
    return answer;
}

/* Take a record out: the reference that the collection had, or NULL with MemoryError. */
static PyObject *collection_take(CollectionObject *self, IndexEntry *entry)
{
    uint32_t slot = entry->slot - 1;
    RecordObject *record;
    if (put_at(self, slot, NULL, &record) < 0)
        return NULL;
    index_remove(&self->index, entry);
    self->free_slots[self->free_count++] = slot; /* there is room for all places */
    self->records--;
    chunks_free(self->pool, FREED_EACH);
    return (PyObject *)record;
}

/* All that it holds: it is empty before anything goes. */
static void collection_clear(CollectionObject *self)
{
    Chunk **chunks = self->chunks;
    uint32_t count = self->count;
    PyMem_Free(self->free_slots);
    index_free(&self->index);
    self->chunks = NULL;
    self->free_slots = NULL;
    self->count = self->room = self->free_count = self->free_room = self->records = 0;
    for (uint32_t i = 0; i < count; i++)
        chunk_release(self->pool, chunks[i]);
    PyMem_Free(chunks);
    chunks_free(self->pool, FREED_AT_ONCE);
}

/* ---- 4 what Python sees ---- */

/* The fields of the key, which are numbers of fields; 0, or -1 with an error. */
static int take_key(CollectionObject *self, PyObject *fields)
{
    const Shape *whole = self->kind->shapes;
    Py_ssize_t count = PyTuple_GET_SIZE(fields);
    if (count < 1 || count > KEY_FIELDS_MAX) {
        PyErr_Format(PyExc_ValueError, "Collection: got %zd key fields, expected 1 to %d", count, KEY_FIELDS_MAX);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        long number = PyLong_AsLong(PyTuple_GET_ITEM(fields, i));
        if (number == -1 && PyErr_Occurred())
            return -1;
        int is_there = number >= 0 && number < (long)whole->least && number < (long)whole->count;
        const Shape *shape = self->kind->shapes + whole->first + (is_there ? number : 0);
        if (!is_there || shape->kind != SHAPE_TEXT || shape->nullable) {
            int has_name = number >= 0 && number < PyTuple_GET_SIZE(self->kind->names);
            PyErr_Format(PyExc_ValueError, "Collection: field %R cannot be a key, expected a text that every record has: "
                         "not None, and no default",
                         PyTuple_GET_ITEM(has_name ? self->kind->names : fields, has_name ? number : i));
            return -1;
        }
        self->key_fields[i] = (uint8_t)number;
    }
    self->key_count = (int)count;
    return 0;
}

static PyObject *Collection_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"kind", "key_fields", NULL};
    PyObject *kind, *fields, *module = PyType_GetModuleByDef(type, &core_module);
    CoreState *state = module == NULL ? NULL : PyModule_GetState(module);
    if (state == NULL || !PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O!:CollectionCell", names,
                                                      state->record_kind_type, &kind, &PyTuple_Type, &fields))
        return NULL;
    CollectionObject *self = (CollectionObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->kind = (RecordKindObject *)Py_NewRef(kind);
    self->pool = &state->chunks;
    if (take_key(self, fields) == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static PyObject *Collection_put(PyObject *op, PyObject *given)
{
    if (Py_TYPE(given) != SELF->kind->record_type || ((RecordObject *)given)->kind != SELF->kind) {
        record_refuse_other(SELF->kind, "Collection.put", given);
        return NULL;
    }
    if (collection_put(SELF, (RecordObject *)given) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Of a key that is not there `missing`, or KeyError: in a tuple, since one would be taken for the error's arguments. */
static PyObject *not_found(PyObject *key, PyObject *missing)
{
    PyObject *arguments = missing == NULL ? PyTuple_Pack(1, key) : NULL;
    if (arguments != NULL)
        PyErr_SetObject(PyExc_KeyError, arguments);
    Py_XDECREF(arguments);
    return Py_XNewRef(missing);
}

/* The record with this key, or what not_found says. */
static PyObject *look_up(CollectionObject *self, PyObject *given, PyObject *missing)
{
    Key key;
    if (key_of_object(self, given, &key) < 0)
        return NULL;
    IndexEntry *entry = find(self, &key);
    return entry == NULL ? not_found(given, missing) : Py_NewRef((PyObject *)record_at(self, entry->slot - 1));
}

static PyObject *Collection_get(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "get() got %zd arguments, expected key and default", count);
    return look_up(SELF, arguments[0], count == 2 ? arguments[1] : Py_None);
}

static PyObject *Collection_subscript(PyObject *op, PyObject *given)
{
    return look_up(SELF, given, NULL);
}

static int Collection_contains(PyObject *op, PyObject *given)
{
    Key key;
    return key_of_object(SELF, given, &key) < 0 ? -1 : find(SELF, &key) != NULL;
}

static PyObject *Collection_pop(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    Key key;
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "pop() got %zd arguments, expected key and default", count);
    if (key_of_object(SELF, arguments[0], &key) < 0)
        return NULL;
    IndexEntry *entry = find(SELF, &key);
    return entry == NULL ? not_found(arguments[0], count == 2 ? arguments[1] : NULL) : collection_take(SELF, entry);
}

static Py_ssize_t Collection_length(PyObject *op)
{
    return SELF->records;
}

static PyObject *Collection_clear(PyObject *op, PyObject *Py_UNUSED(none))
{
    collection_clear(SELF);
    Py_RETURN_NONE;
}

static PyObject *Collection_snapshot(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *module = PyType_GetModuleByDef(Py_TYPE(op), &core_module);
    if (module == NULL)
        return NULL;
    return snapshot_make(PyModule_GetState(module), SELF->kind, SELF->chunks, SELF->count, SELF->records);
}

static PyObject *Collection_iter(PyObject *op)
{
    PyObject *snapshot = Collection_snapshot(op, NULL);
    PyObject *walk = snapshot == NULL ? NULL : Snapshot_iter(snapshot);
    Py_XDECREF(snapshot);
    return walk;
}

static PyObject *Collection_kind(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)SELF->kind);
}

static PyObject *Collection_reduce(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(protocol))
{
    PyErr_SetString(PyExc_TypeError, "a collection cannot be pickled or copied; put the records of a snapshot into another");
    return NULL;
}

static void Collection_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    collection_clear(SELF);
    Py_XDECREF(SELF->kind);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 5 type spec ---- */

static PyMethodDef collection_methods[] = {
    {"put", Collection_put, METH_O,
     "put($self, record, /)\n--\n\nPut a record in, in the place of the one with the same key if there is one."},
    {"get", (PyCFunction)(void (*)(void))Collection_get, METH_FASTCALL,
     "get($self, key, default=None, /)\n--\n\nThe record with this key, or ``default``."},
    {"pop", (PyCFunction)(void (*)(void))Collection_pop, METH_FASTCALL,
     "pop($self, key, default=..., /)\n--\n\nTake the record with this key out and return it.\n\n"
     "Raises: KeyError if there is none, and no ``default``."},
    {"clear", Collection_clear, METH_NOARGS, "clear($self, /)\n--\n\nTake all records out."},
    {"snapshot", Collection_snapshot, METH_NOARGS,
     "snapshot($self, /)\n--\n\nWhat the collection is now, for good. Cost: some 20 ns for each 32 records."},
    {"__reduce_ex__", Collection_reduce, METH_O, NULL},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Collection[Task]: the type of collections of tasks."},
    {NULL},
};

static PyGetSetDef collection_getters[] = {
    {"kind", Collection_kind, NULL, "The kind of its records.", NULL},
    {NULL},
};

static PyType_Slot collection_slots[] = {
    {Py_tp_doc, "Records by key; see libactor.records.Collection."},
    {Py_tp_new, Collection_new},
    {Py_tp_iter, Collection_iter},
    {Py_sq_contains, Collection_contains},
    {Py_mp_length, Collection_length},
    {Py_mp_subscript, Collection_subscript},
    {Py_tp_dealloc, Collection_dealloc},
    {Py_tp_methods, collection_methods},
    {Py_tp_getset, collection_getters},
    {0, NULL},
};

PyType_Spec collection_spec = {
    .name = "libactor.records.CollectionCell",
    .basicsize = sizeof(CollectionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = collection_slots,
};
