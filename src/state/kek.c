// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which keystore it is.
 */
#include "state/kek.h"

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state/kek-private.h"
#include "util/text.h"

static const struct {
  HerdKeystore keystore;
  const char *name;
  const char *at_rest;
} keystores[] = {
  { HERD_KEYSTORE_CREDENTIAL, "credential", "credential" },
  { HERD_KEYSTORE_SECRET_SERVICE, "secret-service", "secret-service" },
  /* Whoever has the file has the database beside it. */
  { HERD_KEYSTORE_FILE, "file", "none" },
};

gboolean
herd_keystore_parse (const char *text, HerdKeystore *keystore, GError **error)
{
  g_autofree char *shown = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (keystores); i++) {
    if (!g_str_equal (keystores[i].name, text))
      continue;
    *keystore = keystores[i].keystore;
    return TRUE;
  }
  shown = herd_text_from_remote (text, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "\"%s\" is no keystore; known are credential, secret-service and file", shown);
  return FALSE;
}

const char *
herd_keystore_get_at_rest (HerdKeystore keystore)
{
  for (guint i = 0; i < G_N_ELEMENTS (keystores); i++) {
    if (keystores[i].keystore == keystore)
      return keystores[i].at_rest;
  }
  return "none";
}

GBytes *
herd_kek_check (GBytes *bytes, const char *place, GError **error)
{
  if (g_bytes_get_size (bytes) == HERD_KEK_SIZE)
    return bytes;
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "%s holds %" G_GSIZE_FORMAT " bytes, and a key-encryption key has %d; put the right "
               "one back",
               place, g_bytes_get_size (bytes), HERD_KEK_SIZE);
  return NULL;
}

void
herd_kek_load_async (HerdKeystore keystore, const char *directory, gboolean create,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  /* What is waited for is another process, in real time whatever the agent's clock says. */
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  GError *error = NULL;
  GBytes *kek = NULL;

  switch (keystore) {
  case HERD_KEYSTORE_SECRET_SERVICE:
    herd_kek_load_secret_service (directory, create, clock, g_steal_pointer (&task));
    return;
  case HERD_KEYSTORE_CREDENTIAL:
    kek = herd_kek_load_credential (&error);
    break;
  case HERD_KEYSTORE_FILE:
    kek = herd_kek_load_file (directory, create, &error);
    break;
  }
  if (kek != NULL)
    g_task_return_pointer (task, kek, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

GBytes *
herd_kek_load_finish (GAsyncResult *result, GError **error)
{
  GBytes *kek = g_task_propagate_pointer (G_TASK (result), error);

  /* Only a cancellation is of another domain here. */
  if (kek == NULL)
    herd_error_translate (error, HERD_ERROR_FAILED, "The key-encryption key");
  return kek;
}
