// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A real gnome-keyring on a bus of its own, for the tests of the Secret Service. "Locked" comes from the
 * Secret Service's own Lock(), so it is not a matter of luck. Main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  GTestDBus *bus;
  GDBusConnection *connection; /* our own, to look at the service */
  GSubprocess *keyring;
  char *home;
  char *directory; /* the state's */
} SecretFixture;

void secret_fixture_set_up (SecretFixture *fixture, gconstpointer data);
void secret_fixture_tear_down (SecretFixture *fixture, gconstpointer data);
/* With PASSWORD: the login keyring is there (made if it is missing) and open. */
void secret_fixture_start_keyring (SecretFixture *fixture, const char *password);
void secret_fixture_stop_keyring (SecretFixture *fixture);
void secret_fixture_lock_keyring (SecretFixture *fixture);
/* As a prompt does, without anybody who types. */
void secret_fixture_unlock_keyring (SecretFixture *fixture, const char *password);
/* How many items the service has for us, locked ones too. */
guint secret_fixture_count_items (SecretFixture *fixture);

/* An item of ours that is none. */
void secret_fixture_store_item (SecretFixture *fixture, const char *label, const char *text);

/* GAsyncReadyCallback; DATA: GAsyncResult **. */
void secret_fixture_keep_result (GObject *source, GAsyncResult *result, gpointer data);
/* The KEK, asked for with herd_kek_load_async. */
GBytes *secret_fixture_load (SecretFixture *fixture, gboolean create, GError **error);
GBytes *secret_fixture_load_ok (SecretFixture *fixture, gboolean create);
/* It must fail with CODE, and a message that holds WORDS and the directory. */
void secret_fixture_assert_refused (SecretFixture *fixture, gboolean create, int code,
                                    const char *words);

G_END_DECLS
