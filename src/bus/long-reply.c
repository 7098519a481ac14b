// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Long replies: their items on the main loop, slice by slice, and their bytes on GDBus's own thread.
 *
 * GDBus makes a message's bytes where it is sent, with the connection locked, so that another thread
 * that sends would stop the loop all the same. But what a filter puts in a message's place is made into
 * bytes on the thread that writes, without the lock: an empty message is sent, with the body beside it,
 * and the filter puts the body in.
 */
#include "bus/bus-private.h"
#include "plugin/error.h"

#define BODY "certherd-body"

gboolean
herd_bus_add_item (HerdBusCall *call, GVariant *item)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (item);
  gsize size = call->size + g_variant_get_size (taken);

  if (size > HERD_BUS_REPLY_MAX)
    return FALSE;
  if (call->items == NULL)
    call->items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_ptr_array_add (call->items, g_steal_pointer (&taken));
  call->size = size;
  return TRUE;
}

GVariant *
herd_bus_take_items (HerdBusCall *call, const GVariantType *type)
{
  g_autoptr (GPtrArray) items = g_steal_pointer (&call->items);

  return g_variant_new_array (g_variant_type_element (type),
                              items != NULL ? (GVariant **) items->pdata : NULL,
                              items != NULL ? items->len : 0);
}

/* --- objects --- */

typedef struct {
  HerdNoun noun;
  guint64 id;
} Object;

typedef struct {
  GArray *objects; /* Object, when the first slice was made */
  guint next;
} Objects;

static void
objects_free (gpointer data)
{
  Objects *objects = data;

  g_array_unref (objects->objects);
  g_free (objects);
}

static Objects *
objects_new (HerdRegistry *registry, const HerdNoun *nouns)
{
  Objects *objects = g_new0 (Objects, 1);

  objects->objects = g_array_new (FALSE, FALSE, sizeof (Object));
  for (; *nouns != HERD_NOUN_AGENT; nouns++) {
    g_autoptr (GArray) ids = herd_registry_list_ids (registry, *nouns);

    for (guint i = 0; i < ids->len; i++) {
      Object object = { *nouns, g_array_index (ids, guint64, i) };

      g_array_append_val (objects->objects, object);
    }
  }
  return objects;
}

gboolean
herd_bus_slice_objects (HerdBusCall *call, const HerdNoun *nouns,
                        GVariant *(*new_item) (HerdBusCall *call, HerdNoun noun, guint64 id,
                                               gpointer row),
                        const char *instead, gboolean *more, GError **error)
{
  Objects *objects = call->progress;

  if (objects == NULL) {
    objects = objects_new (herd_agent_get_services (call->agent)->registry, nouns);
    call->progress = objects;
    call->progress_free = objects_free;
  }
  for (guint n = 0; n < HERD_BUS_SLICE && objects->next < objects->objects->len; n++) {
    const Object *object = &g_array_index (objects->objects, Object, objects->next++);
    gpointer row = herd_bus_get_row (call->agent, object->noun, object->id);

    if (row != NULL && !herd_bus_add_item (call, new_item (call, object->noun, object->id, row))) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                   "%s: the reply would have more than %d bytes; use %s", call->row->member,
                   HERD_BUS_REPLY_MAX, instead);
      return FALSE;
    }
  }
  *more = objects->next < objects->objects->len;
  return TRUE;
}

/* --- bytes --- */

typedef struct {
  GVariant *reply;
  GMainContext *context; /* whose loop is told */
  void (*sent) (gpointer data);
  gpointer data;
} Body;

static void
body_free (gpointer data)
{
  Body *body = data;

  g_clear_pointer (&body->reply, g_variant_unref);
  g_main_context_unref (body->context);
  g_free (body);
}

static gboolean
tell_sent (gpointer data)
{
  const Body *body = data;

  body->sent (body->data);
  return G_SOURCE_REMOVE;
}

/* The message that BODY was in has gone: on GDBus's thread, written; on any, not sent at all. */
static void
body_let_go (gpointer data)
{
  Body *body = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  g_clear_pointer (&body->reply, g_variant_unref);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, tell_sent, body, body_free);
  g_source_attach (source, body->context);
}

void
herd_bus_send_long (GDBusMethodInvocation *invocation, GVariant *reply,
                    void (*sent) (gpointer data), gpointer data)
{
  g_autoptr (GDBusMethodInvocation) taken = invocation;
  GDBusMessage *call = g_dbus_method_invocation_get_message (taken);
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_reply (call);
  Body *body = g_new0 (Body, 1);

  body->reply = reply;
  body->context = g_main_context_ref_thread_default ();
  body->sent = sent;
  body->data = data;
  g_object_set_data_full (G_OBJECT (message), BODY, body, body_let_go);
  if ((g_dbus_message_get_flags (call) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) != 0)
    return;
  /* Fails only where the connection is closed; then nobody is there to be told. */
  g_dbus_connection_send_message (g_dbus_method_invocation_get_connection (taken), message,
                                  G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

/* On GDBus's thread. The body goes with the message that is written, to say when it has been. */
static GDBusMessage *
put_body (GDBusConnection *connection G_GNUC_UNUSED, GDBusMessage *message, gboolean incoming,
          gpointer data G_GNUC_UNUSED)
{
  Body *body = incoming ? NULL : g_object_get_data (G_OBJECT (message), BODY);
  GDBusMessage *whole;

  if (body == NULL)
    return message;
  whole = g_dbus_message_copy (message, NULL);
  if (whole == NULL)
    return message;
  g_object_steal_data (G_OBJECT (message), BODY);
  g_dbus_message_set_body (whole, body->reply);
  g_object_set_data_full (G_OBJECT (whole), BODY, body, body_let_go);
  g_object_unref (message);
  return whole;
}

guint
herd_bus_filter_long (GDBusConnection *connection)
{
  return g_dbus_connection_add_filter (connection, put_body, NULL, NULL);
}
