// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers: which user a connection belongs to, how many of a user's calls are under way, whose turn it
 * is, and when a connection goes. Owned by the bus; main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Calls of one user that may be under way. */
#define HERD_CALLS_PER_USER 32

typedef struct HerdCallers HerdCallers;

/* A connection that was watched has gone. */
typedef void (*HerdCallersFunc) (const char *sender, gpointer data);

/* FIXED_UID: what everybody is (a session bus admits one user); -1: the bus is asked. */
HerdCallers *herd_callers_new (GDBusConnection *connection, gint64 fixed_uid, HerdCallersFunc gone,
                               gpointer data);
void herd_callers_free (HerdCallers *callers);

/* The user behind SENDER, a unique name. Errors: HERD_ERROR_UNREACHABLE (it has gone). */
void herd_callers_get_uid_async (HerdCallers *callers, const char *sender,
                                 GAsyncReadyCallback callback, gpointer data);
gboolean herd_callers_get_uid_finish (GAsyncResult *result, guint32 *uid, GError **error);

/* Watches SENDER: when it goes, the function given to new() is told, once. Twice is as good as once. */
void herd_callers_watch (HerdCallers *callers, const char *sender);
/* SENDER holds nothing any more: nobody is told when it goes. */
void herd_callers_unwatch (HerdCallers *callers, const char *sender);
/* Asks the bus whether SENDER, which is watched, is still there; if it is not, the function given to
 * new() is told before this finishes. SENDER NULL: finishes at once. Errors: HERD_ERROR_CANCELLED (the
 * callers have gone). */
void herd_callers_check_async (HerdCallers *callers, const char *sender,
                               GAsyncReadyCallback callback, gpointer data);
gboolean herd_callers_check_finish (GAsyncResult *result, GError **error);

/* One more call of UID, if that is not too many: HERD_ERROR_LIMIT_EXCEEDED. Root, and everybody where
 * the uid is fixed, is exempt. Each success is followed by one end. */
gboolean herd_callers_begin_call (HerdCallers *callers, guint32 uid, GError **error);
void herd_callers_end_call (HerdCallers *callers, guint32 uid);

/* A turn at a long reply: one at a time for each user. Each success is followed by one end. Errors:
 * G_IO_ERROR_CANCELLED. */
void herd_callers_wait_turn_async (HerdCallers *callers, guint32 uid, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data);
gboolean herd_callers_wait_turn_finish (GAsyncResult *result, GError **error);
void herd_callers_end_turn (HerdCallers *callers, guint32 uid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdCallers, herd_callers_free)

G_END_DECLS
