/* csrc/pack.c -- one value to the bytes that other hosts read: pack().
 *
 * Why C: it walks through every object of every value that is sent (bench: remote-objects). Who calls: libactor/codec.py,
 *   which says what is written how. Twin: libactor/_core/_pack.py, the same bytes and the same complaints.
 * Here are lists, tuples, dicts and objects by their layouts. For all else `apart` gives [code, part, ...], and the parts
 *   are written here again. A class is asked about once for each value: `plan` gives how its objects begin and what
 *   they consist of.
 * Aliases: what is finished is numbered. Only what somebody else holds as well is remembered with its number: nothing
 *   else can be met again.
 * The GIL: Python code may run in `apart` and `plan`, other threads and handlers of signals between any two values
 *   (core_rest), and change what is walked through. A container whose size changes is an error; what is looked at is held.
 * Layout: 1 object  2 bytes  3 plans  4 containers  5 objects  6 one value  7 function of the module
 */
#include "layout.h"
#include "memo.h"
#include "msgpack.h"
#include "packed.h"

/* ---- 1 object ---- */

enum { PLANS = 32, HOLDERS = 2 /* of a part that only its container holds: that, and we */ };

typedef struct {
    PyTypeObject *kind; /* owned; NULL: a free place */
    PyObject *head;     /* owned bytes, with which its objects begin; NULL: `apart` takes them apart */
    PyObject *plan;     /* owned: the layout */
    Layout layout;      /* of that */
} Plan;

/* One value that is written. */
typedef struct {
    char *bytes; /* allocated */
    Py_ssize_t used, room;
    Py_ssize_t rest_at; /* how many bytes are used when others may run next */
    Py_ssize_t depth, depth_max, numbered;
    PyObject *refusal, *find_plan, *apart; /* borrowed from the caller */
    PyObject *nothing;                     /* borrowed, for core_rest */
    Memo memo;                             /* of what may be met again: its number */
    Plan plans[PLANS];                     /* by class */
} Packer;

static int pack_value(Packer *self, PyObject *value, int aliased);

/* ---- 2 bytes ---- */

/* Where to put as many bytes as `size`, which packer_put then takes note of; NULL with MemoryError. */
static inline char *packer_room(Packer *self, Py_ssize_t size)
{
    if (self->room - self->used >= size)
        return self->bytes + self->used;
    Py_ssize_t room = Py_MAX(self->room * 2, self->used + size + 64);
    char *bytes = size > PY_SSIZE_T_MAX / 4 ? NULL : PyMem_Realloc(self->bytes, (size_t)room);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    self->bytes = bytes;
    self->room = room;
    return bytes + self->used;
}

static inline void packer_put(Packer *self, char *end)
{
    self->used = end - self->bytes;
}

/* Bytes that are msgpack already. */
static int pack_raw(Packer *self, const char *bytes, Py_ssize_t size)
{
    char *at = packer_room(self, size);
    if (at == NULL)
        return -1;
    memcpy(at, bytes, (size_t)size);
    packer_put(self, at + size);
    return 0;
}

/* The head of an array of a code and `count` parts; the code itself comes from the caller. */
static int pack_head(Packer *self, Py_ssize_t count)
{
    char *at = packer_room(self, 5);
    if (at == NULL)
        return -1;
    if ((uint64_t)count >= UINT32_MAX) {
        PyErr_Format(self->refusal, "a container of %zd values is more than four billion; send it in parts", count);
        return -1;
    }
    packer_put(self, put_array(at, (size_t)count + 1));
    return 0;
}

/* The head and the code, a short text with its type byte in front. */
#define PACK_FORM(self, count, code) \
    (pack_head(self, count) < 0 || pack_raw(self, code, (Py_ssize_t)sizeof(code) - 1) < 0 ? -1 : 0)
#define CODE_LIST "\xa4list"
#define CODE_TUPLE "\xa5tuple"
#define CODE_DICT "\xa4" "dict"
#define CODE_AGAIN "\xa5" "again"

/* 1 if `value` was a scalar, and is written; 0 if it is none; -1 with an error. */
static int pack_scalar(Packer *self, PyObject *value)
{
    Py_ssize_t size = 0;
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyLong_Type) {
        int fitting = fits(value);
        if (fitting <= 0)
            return fitting;
    } else if (kind == &PyUnicode_Type) {
        if (PyUnicode_AsUTF8AndSize(value, &size) == NULL)
            return -1;
    } else if (kind == &PyBytes_Type)
        size = PyBytes_GET_SIZE(value);
    else if (kind != &PyFloat_Type && kind != &PyBool_Type && value != Py_None)
        return 0;
    if (size > UINT32_MAX) {
        PyErr_Format(self->refusal, "a %s of %zd bytes is more than four billion; send it in parts", kind->tp_name, size);
        return -1;
    }
    char *at = packer_room(self, size + 9);
    if (at == NULL)
        return -1;
    packer_put(self, put_value(at, value));
    return 1;
}

/* Refuse what has `by` more arrays around it than may be; 0 or -1. */
static int packer_nest(Packer *self, Py_ssize_t by)
{
    self->depth += by;
    if (self->depth <= self->depth_max)
        return 0;
    PyErr_Format(self->refusal, "it is nested more than %zd deep as it is written; flatten it", self->depth_max);
    return -1;
}

/* ---- 3 plans ---- */

static void plan_clear(Plan *plan)
{
    Py_CLEAR(plan->kind);
    Py_CLEAR(plan->head);
    Py_CLEAR(plan->plan);
}

/* Take what find_plan said, (head, layout) or None, into `plan`; 0, or -1 with an error. */
static int plan_fill(Plan *plan, PyTypeObject *kind, PyObject *told)
{
    Layout layout = {0};
    if (told != Py_None) {
        if (!PyTuple_CheckExact(told) || PyTuple_GET_SIZE(told) != 2 || !PyBytes_CheckExact(PyTuple_GET_ITEM(told, 0))) {
            PyErr_Format(PyExc_TypeError, "got the plan %R, expected bytes and a Layout, or None", told);
            return -1;
        }
        if (layout_parse(&layout, PyTuple_GET_ITEM(told, 1)) < 0)
            return -1;
        if (layout.kind != kind) {
            PyErr_Format(PyExc_TypeError, "got the plan %R, expected one of %s", told, kind->tp_name);
            return -1;
        }
    }
    plan_clear(plan);
    *plan = (Plan){.kind = (PyTypeObject *)Py_NewRef((PyObject *)kind), .layout = layout};
    if (told != Py_None) {
        plan->head = Py_NewRef(PyTuple_GET_ITEM(told, 0));
        plan->plan = Py_NewRef(PyTuple_GET_ITEM(told, 1));
    }
    return 0;
}

/* The plan for `kind`, as it stands until another is looked for; NULL with an error. */
static Plan *packer_plan(Packer *self, PyTypeObject *kind)
{
    Plan *plan = &self->plans[((uintptr_t)kind >> 6) % PLANS];
    if (plan->kind == kind)
        return plan;
    Py_INCREF(kind);
    PyObject *told = PyObject_CallOneArg(self->find_plan, (PyObject *)kind);
    int answer = told == NULL ? -1 : plan_fill(plan, kind, told);
    Py_XDECREF(told);
    Py_DECREF(kind);
    return answer < 0 ? NULL : plan;
}

/* ---- 4 containers ---- */

/* A part of what holds it. */
static inline int pack_part(Packer *self, PyObject *part)
{
    Py_INCREF(part);
    int answer = pack_value(self, part, Py_REFCNT(part) > HOLDERS);
    Py_DECREF(part);
    return answer;
}

static int complain_of_change(const char *what)
{
    PyErr_Format(PyExc_RuntimeError, "the %s changed size while it was written; let nobody else change what is sent",
                 what);
    return -1;
}

/* What stands in a list. */
static int pack_items(Packer *self, PyObject *list)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyList_GET_SIZE(list) != count)
            return complain_of_change("list");
        if (pack_part(self, PyList_GET_ITEM(list, i)) < 0)
            return -1;
    }
    return PyList_GET_SIZE(list) == count ? 0 : complain_of_change("list");
}

static int pack_tuple_items(Packer *self, PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        if (pack_part(self, PyTuple_GET_ITEM(tuple, i)) < 0)
            return -1;
    return 0;
}

static int pack_dict(Packer *self, PyObject *dict)
{
    Py_ssize_t count = PyDict_GET_SIZE(dict), position = 0, met = 0;
    PyObject *key, *entry;
    if (PACK_FORM(self, count * 2, CODE_DICT) < 0)
        return -1;
    while (PyDict_Next(dict, &position, &key, &entry) && met++ < count) {
        Py_INCREF(entry);
        int answer = pack_part(self, key) < 0 || pack_value(self, entry, Py_REFCNT(entry) > HOLDERS) < 0 ? -1 : 0;
        Py_DECREF(entry);
        if (answer < 0)
            return -1;
    }
    return met == count && PyDict_GET_SIZE(dict) == count ? 0 : complain_of_change("dict");
}

/* ---- 5 objects ---- */

/* The slots: each a list of what stands there, or of nothing. */
static int pack_slots(Packer *self, PyObject *value, const Layout *layout)
{
    Py_ssize_t count = PyTuple_GET_SIZE(layout->slots);
    if (PACK_FORM(self, count, CODE_LIST) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject **place = layout_slot(value, PyTuple_GET_ITEM(layout->slots, i));
        if (place == NULL || PACK_FORM(self, *place != NULL, CODE_LIST) < 0 ||
            (*place != NULL && pack_part(self, *place) < 0))
            return -1;
        self->numbered++;
    }
    return 0;
}

/* The __dict__ of an instance. */
static int pack_state(Packer *self, PyObject *value, const Layout *layout)
{
    if (layout->state == Py_None)
        return PACK_FORM(self, 0, CODE_DICT);
    PyObject *state = PyObject_GenericGetDict(value, NULL);
    int answer = state == NULL ? -1 : pack_dict(self, state);
    Py_XDECREF(state);
    return answer;
}

/* An object by its plan, which is of its class. The plan may make room for another meanwhile, so it is held. */
static int pack_object(Packer *self, PyObject *value, const Plan *plan)
{
    Layout layout = plan->layout;
    Py_ssize_t inside = !layout.has_items && PyTuple_GET_SIZE(layout.slots) > 0 ? 2 : 1; /* arrays around its parts */
    PyObject *held = Py_NewRef(plan->plan);
    int answer = pack_raw(self, PyBytes_AS_STRING(plan->head), PyBytes_GET_SIZE(plan->head));
    if (answer == 0)
        answer = packer_nest(self, inside);
    if (answer == 0 && !layout.has_items)
        answer = pack_slots(self, value, &layout);
    else if (answer == 0)
        answer = PACK_FORM(self, PyTuple_GET_SIZE(value), CODE_LIST) < 0 ? -1 : pack_tuple_items(self, value);
    self->depth -= inside - 1;
    self->numbered++; /* the list of parts */
    if (answer == 0)
        answer = pack_state(self, value, &layout);
    self->depth--;
    self->numbered++; /* the dict */
    Py_DECREF(held);
    return answer;
}

/* ---- 6 one value ---- */

/* What `apart` makes of it: 1 if such values are numbered, 0 if not, -1 with an error. */
static int pack_apart(Packer *self, PyObject *value)
{
    int answer = -1;
    PyObject *told = PyObject_CallOneArg(self->apart, value);
    if (told == NULL)
        return -1;
    if (!PyTuple_CheckExact(told) || PyTuple_GET_SIZE(told) != 2 || !PyList_CheckExact(PyTuple_GET_ITEM(told, 0)) ||
        PyList_GET_SIZE(PyTuple_GET_ITEM(told, 0)) == 0)
        PyErr_Format(PyExc_TypeError, "got %R, expected a list of a code and parts, and whether it is numbered", told);
    else if (pack_head(self, PyList_GET_SIZE(PyTuple_GET_ITEM(told, 0)) - 1) == 0 &&
             pack_items(self, PyTuple_GET_ITEM(told, 0)) == 0)
        answer = PyTuple_GET_ITEM(told, 1) == Py_True;
    Py_DECREF(told);
    return answer;
}

/* As pack_apart, of anything that is no scalar. */
static int pack_compound(Packer *self, PyObject *value)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyList_Type)
        return PACK_FORM(self, PyList_GET_SIZE(value), CODE_LIST) < 0 || pack_items(self, value) < 0 ? -1 : 1;
    if (kind == &PyTuple_Type)
        return PACK_FORM(self, PyTuple_GET_SIZE(value), CODE_TUPLE) < 0 || pack_tuple_items(self, value) < 0 ? -1 : 1;
    if (kind == &PyDict_Type)
        return pack_dict(self, value) < 0 ? -1 : 1;
    Plan *plan = packer_plan(self, kind);
    if (plan == NULL)
        return -1;
    if (plan->head == NULL || Py_TYPE(value) != kind)
        return pack_apart(self, value);
    return pack_object(self, value, plan) < 0 ? -1 : 1;
}

/* 1 if `value` was met before, and its number is written; 0 if not; -1 with an error. */
static int pack_again(Packer *self, PyObject *value)
{
    MemoEntry *known = memo_find(&self->memo, value);
    if (known->original == NULL)
        return 0;
    return PACK_FORM(self, 1, CODE_AGAIN) < 0 || pack_scalar(self, known->copy) < 0 ? -1 : 1;
}

/* Note that `value` has been written, with its number. */
static int pack_number(Packer *self, PyObject *value, int aliased)
{
    Py_ssize_t number = self->numbered++;
    if (!aliased)
        return 0;
    if (memo_find(&self->memo, value)->original != NULL)
        return 0; /* code that ran meanwhile has put it into itself */
    PyObject *text = PyLong_FromSsize_t(number);
    if (text == NULL || memo_open(&self->memo, value) < 0) {
        Py_XDECREF(text);
        return -1;
    }
    memo_close(&self->memo, value, text);
    Py_DECREF(text);
    return 0;
}

/* Let others run; 0, or -1 with what a handler of a signal raised. */
__attribute__((cold, noinline)) static int packer_rest(Packer *self)
{
    self->rest_at = self->used + REST_BYTES;
    return core_rest(self->nothing);
}

/* `aliased`: somebody else holds it as well, so it may be met a second time. */
static int pack_value(Packer *self, PyObject *value, int aliased)
{
    if (self->used >= self->rest_at && packer_rest(self) < 0)
        return -1;
    int answer = pack_scalar(self, value);
    if (answer != 0)
        return answer < 0 ? -1 : 0;
    if (aliased && (answer = pack_again(self, value)) != 0)
        return answer < 0 ? -1 : 0;
    if (packer_nest(self, 1) < 0)
        return -1;
    answer = pack_compound(self, value);
    self->depth--;
    return answer <= 0 ? answer : pack_number(self, value, aliased);
}

/* ---- 7 function of the module ---- */

PyObject *native_pack(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *result = NULL;
    if (core_check_count("pack", count, 5) < 0)
        return NULL;
    Packer self = {.refusal = arguments[2], .find_plan = arguments[3], .apart = arguments[4], .rest_at = REST_BYTES};
    self.nothing = ((CoreState *)PyModule_GetState(module))->nothing;
    if (packed_read_depth("pack", arguments[1], &self.depth_max) < 0)
        return NULL;
    memo_init(&self.memo);
    if (pack_value(&self, arguments[0], 1) == 0)
        result = PyBytes_FromStringAndSize(self.bytes, self.used);
    memo_clear(&self.memo);
    for (size_t i = 0; i < PLANS; i++)
        plan_clear(&self.plans[i]);
    PyMem_Free(self.bytes);
    return result;
}
