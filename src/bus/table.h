// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tables: what a row of an interface is, and what a call carries while it is answered. One file
 * for each interface holds its rows; call.c is the generic part.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "bus/authorizer.h"
#include "bus/bus.h"
#include "util/steps.h"

G_BEGIN_DECLS

typedef struct HerdBusMethod HerdBusMethod;
typedef struct HerdBusInterface HerdBusInterface;

/* One method call, from its arrival to its reply. */
typedef struct {
  HerdBus *bus; /* NULL: gone */
  HerdAgent *agent;
  const HerdBusMethod *row;
  HerdNoun noun;
  guint64 id; /* of the object; 0 for the root */
  GDBusMethodInvocation *invocation;
  GVariant *parameters; /* the call's */
  const char *sender;
  guint32 uid;
  guint64 revision;  /* the object's, when the caller's rights were asked for */
  gboolean asked;    /* somebody was asked whether the caller may */
  GVariant *checked; /* what prepare made of a dictionary */
  GBytes *secret;    /* that came by descriptor; wiped when it goes */
  GUnixFDList *fds;  /* for the reply */
  GVariant *reply;
  guint64 made; /* what the verb made, for after() */
  gboolean counted;
  /* Of a long reply. */
  gboolean has_turn;
  GPtrArray *items; /* GVariant */
  gsize size;       /* theirs */
  gpointer progress;
  GDestroyNotify progress_free;
  HerdRun *run;
} HerdBusCall;

struct HerdBusMethod {
  const char *member;
  /* The polkit action, without its prefix; NULL: decide says, or everybody may. */
  const char *action;
  /* In place of action: an action, or NULL if nobody needs to be asked. */
  const char *(*decide) (HerdBusCall *call);
  /* What the decision is about. NULL: the object. */
  void (*describe) (const HerdBusCall *call, HerdDetails *details);
  /* Checks the arguments, before anybody is asked. NULL: their types are all that matters. */
  gboolean (*prepare) (HerdBusCall *call, GError **error);
  /* Calls one verb, with herd_run_ready and SLOT. NULL: finish does it all, at once. */
  void (*start) (HerdBusCall *call, gpointer slot);
  /* In place of start, where the reply is long: one slice of it, with herd_bus_add_item(). Looks at
   * HERD_BUS_SLICE objects at most; *MORE: it is to be called again, in a later turn of the loop, when
   * objects may have come and gone. finish makes the reply of the items. A user's long replies are
   * made one at a time, turned into bytes on another thread, and written before the next one's turn. */
  gboolean (*slice) (HerdBusCall *call, gboolean *more, GError **error);
  /* The reply's tuple (floating or not), or an error. */
  GVariant *(*finish) (HerdBusCall *call, GAsyncResult *result, GError **error);
  /* What has to come after the reply. NULL: nothing. */
  void (*after) (HerdBusCall *call);
};

typedef struct {
  const char *name;
  /* ROW: the registry's row of the interface's noun, the agent for the root. Never NULL. */
  GVariant *(*get) (HerdAgent *agent, gpointer row);
} HerdBusProperty;

struct HerdBusInterface {
  const GDBusInterfaceInfo *info;
  HerdNoun noun;
  const HerdBusMethod *methods; /* ends with a NULL member */
  const HerdBusProperty *properties;
};

extern const HerdBusInterface herd_bus_agent1;
extern const HerdBusInterface herd_bus_certificate1;
extern const HerdBusInterface herd_bus_issuer1;
extern const HerdBusInterface herd_bus_operation1;
extern const HerdBusInterface herd_bus_subscription1;

/* The interface of NOUN's objects; of the root, Agent1. */
const HerdBusInterface *herd_bus_get_interface (HerdNoun noun);
const HerdBusProperty *herd_bus_find_property (const HerdBusInterface *interface, const char *name);
/* Does every member of the XML have a row, and every row a member? */
gboolean herd_bus_check_tables (GError **error);

/* The path of an object; id 0 of any noun but the agent's is "/". */
char *herd_bus_get_path (HerdNoun noun, guint64 id);
/* A GVariant of it. Floating. */
GVariant *herd_bus_new_path (HerdNoun noun, guint64 id);
/* The id at the end of PATH, if it is one of NOUN's. */
gboolean herd_bus_parse_path (const char *path, HerdNoun noun, guint64 *id);
/* The noun in whose folder PATH lies, whether there is such an object or not; else HERD_NOUN_AGENT. */
HerdNoun herd_bus_find_folder (const char *path);
/* HERD_ERROR_NOT_FOUND: PATH is no object, or no longer. */
void herd_bus_set_missing (GError **error, const char *path);
/* The registry's row, or NULL. */
gpointer herd_bus_get_row (HerdAgent *agent, HerdNoun noun, guint64 id);
/* The values of an object's properties, in the order of its interface's rows; none if there is no object. */
GPtrArray *herd_bus_list_values (HerdAgent *agent, HerdNoun noun, guint64 id);
/* VALUES, which herd_bus_list_values() gave of one of NOUN's objects: a{sv}. Floating. */
GVariant *herd_bus_name_values (HerdNoun noun, const GPtrArray *values);
/* One entry of an a{sv}. Floating. */
GVariant *herd_bus_new_entry (const char *key, GVariant *value);

/* Notices when SENDER, which holds something now, goes. */
void herd_bus_watch (HerdBus *bus, const char *sender);
/* One of SENDER's subscriptions was closed: it is watched no longer if that was the last one. */
void herd_bus_unwatch (HerdBus *bus, const char *sender);
/* Finds out whether SENDER is still there; what it held is gone with it when this finishes. SENDER NULL:
 * at once. finish: herd_callers_check_finish. */
void herd_bus_check_caller_async (HerdBus *bus, const char *sender, GAsyncReadyCallback callback,
                                  gpointer data);

/* --- what many rows are made of --- */

/* The reply of a verb that starts something: the operation. */
GVariant *herd_bus_finish_operation (HerdBusCall *call, GAsyncResult *result, GError **error);
GVariant *herd_bus_finish_nothing (HerdBusCall *call, GAsyncResult *result, GError **error);
/* Are all of OPTIONS (a{sv}), CALL's, among KNOWN ("name type", …)? Others are refused, not ignored. */
gboolean herd_bus_check_options (const HerdBusCall *call, GVariant *options,
                                 const char *const *known, GError **error);

/* What the handle HANDLE ("h") of CALL leads to: a memfd that is sealed against everything, so that reading
 * it neither waits nor sees it change, of at most LIMIT bytes. Wiped when it goes. */
GBytes *herd_bus_read_handle (const HerdBusCall *call, GVariant *handle, gsize limit,
                              GError **error);

/* --- long replies (long-reply.c) --- */

/* Objects that a slice looks at: far below a millisecond's worth. */
#define HERD_BUS_SLICE 64
/* Bytes of a long reply's items: D-Bus's own form may need twice as many, and a system bus carries no
 * more than 32 MiB. */
#define HERD_BUS_REPLY_MAX (8 * 1024 * 1024)

/* Adds ITEM (taken) to the reply; FALSE if the reply would become too long by it. */
gboolean herd_bus_add_item (HerdBusCall *call, GVariant *item);
/* The items as an array of TYPE. Floating. */
GVariant *herd_bus_take_items (HerdBusCall *call, const GVariantType *type);
/* Rows' slice, but for what an item is: the objects of NOUNS (ends with HERD_NOUN_AGENT), of which
 * NEW_ITEM makes items. Past HERD_BUS_REPLY_MAX: HERD_ERROR_LIMIT_EXCEEDED that tells to use INSTEAD. */
gboolean herd_bus_slice_objects (HerdBusCall *call, const HerdNoun *nouns,
                                 GVariant *(*new_item) (HerdBusCall *call, HerdNoun noun,
                                                        guint64 id, gpointer row),
                                 const char *instead, gboolean *more, GError **error);
/* Answers INVOCATION (taken) with REPLY (taken), whose bytes are made on GDBus's thread. SENT is called
 * with DATA in a later turn of the loop, when they have been written or never will be: until then they,
 * and REPLY, take room. */
void herd_bus_send_long (GDBusMethodInvocation *invocation, GVariant *reply,
                         void (*sent) (gpointer data), gpointer data);
/* Lets CONNECTION make them there: the id of a filter, to be removed with the objects. */
guint herd_bus_filter_long (GDBusConnection *connection);

/* Starts answering INVOCATION. */
void herd_bus_call_start (HerdBus *bus, HerdNoun noun, guint64 id, const HerdBusMethod *row,
                          GDBusMethodInvocation *invocation);

G_END_DECLS
