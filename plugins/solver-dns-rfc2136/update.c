// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * nsupdate's language, in and out. Everything that is written into its input is checked once more here:
 * where the rest of the program erred, a name must not become a command.
 */
#include "update.h"

#include <string.h>

#include "plugin/error.h"

#define VALUE_LENGTH 43 /* SHA-256 in base64url (RFC 8555 section 8.4) */

Update *
update_new (const char *zone)
{
  Update *update = g_new0 (Update, 1);

  update->zone = g_strdup (zone);
  update->names = g_ptr_array_new_with_free_func (g_free);
  update->values = g_ptr_array_new_with_free_func (g_free);
  return update;
}

void
update_free (Update *update)
{
  if (update == NULL)
    return;
  g_free (update->zone);
  g_ptr_array_unref (update->names);
  g_ptr_array_unref (update->values);
  g_free (update);
}

static gboolean
value_is_digest (const char *value)
{
  return strlen (value) == VALUE_LENGTH
         && strspn (value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
                == VALUE_LENGTH;
}

static gboolean
is_within (const char *name, const char *zone)
{
  gsize length = strlen (name);
  gsize suffix = strlen (zone);

  return length >= suffix && g_ascii_strcasecmp (name + length - suffix, zone) == 0
         && (length == suffix || name[length - suffix - 1] == '.');
}

gboolean
update_add (Update *update, const char *name, const char *value, GError **error)
{
  if (!update_name_is_plain (name) || !update_name_is_plain (update->zone)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "a CNAME leads to \"%s\" in the zone \"%s\", which is no name for a challenge's "
                 "record; correct the CNAME",
                 name, update->zone);
    return FALSE;
  }
  if (!is_within (name, update->zone)) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_REFUSED,
        "%s is not in the zone %s; correct the solver's zone, or name another solver for it", name,
        update->zone);
    return FALSE;
  }
  if (!value_is_digest (value)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: a value that is not a digest", name);
    return FALSE;
  }
  g_ptr_array_add (update->names, g_strdup (name));
  g_ptr_array_add (update->values, g_strdup (value));
  return TRUE;
}

typedef struct {
  gsize size;
  char text[];
} Input;

static void
input_free (gpointer data)
{
  Input *input = data;

  explicit_bzero (input->text, input->size);
  g_free (input);
}

/* "ns1.example:53" as nsupdate wants it: "ns1.example 53", "2001:db8::1 53". */
static char *
format_server (const char *server)
{
  const char *colon = strrchr (server, ':');
  gboolean bracketed = server[0] == '[';

  return g_strdup_printf ("%.*s %s", (int) (colon - server) - (bracketed ? 2 : 0),
                          server + (bracketed ? 1 : 0), colon + 1);
}

GBytes *
update_write (const Update *update, const char *server, const UpdateKey *key, guint ttl,
              gboolean add)
{
  g_autofree char *where = format_server (server);
  g_autoptr (GString) changes = g_string_new (NULL);
  Input *input;
  gsize size;

  for (guint i = 0; i < update->names->len; i++) {
    const char *name = update->names->pdata[i];
    const char *value = update->values->pdata[i];

    if (add)
      g_string_append_printf (changes, "update add %s. %u IN TXT \"%s\"\n", name, ttl, value);
    else
      g_string_append_printf (changes, "update delete %s. IN TXT \"%s\"\n", name, value);
  }
  /* In one piece, so that no copy of the secret stays behind in a buffer that grew. */
  size = strlen (where) + strlen (key->algorithm) + strlen (key->name) + strlen (key->secret)
         + strlen (update->zone) + changes->len + 64;
  input = g_malloc0 (sizeof *input + size);
  input->size = size;
  g_snprintf (input->text, size, "server %s\nkey %s:%s %s\nzone %s.\n%ssend\n", where,
              key->algorithm, key->name, key->secret, update->zone, changes->str);
  return g_bytes_new_with_free_func (input->text, strlen (input->text), input_free, input);
}

/* --- what nsupdate says: the first row whose words are in it --- */

static const struct {
  const char *words;
  HerdError code;
  const char *meaning;
} rows[] = {
  { "BADSIG", HERD_ERROR_CHALLENGE_FAILED,
    "the signature is wrong: the secret in key-file is not the server's" },
  { "BADKEY", HERD_ERROR_CHALLENGE_FAILED,
    "the server does not know the key, or not for this zone: compare key-name and key-algorithm "
    "with its configuration" },
  { "BADTIME", HERD_ERROR_CHALLENGE_FAILED,
    "this machine's clock and the server's differ by more than five minutes: set them" },
  { "NOTAUTH", HERD_ERROR_CHALLENGE_FAILED,
    "it is not the primary server of the zone: correct the solver's server or zone" },
  { "NOTZONE", HERD_ERROR_CHALLENGE_FAILED,
    "the names are not in the zone: correct the solver's zone" },
  { "REFUSED", HERD_ERROR_CHALLENGE_FAILED,
    "the key may not change these names: permit TXT in the server's update-policy or acl" },
  { "NOTIMP", HERD_ERROR_CHALLENGE_FAILED, "it does not take dynamic updates" },
  { "SERVFAIL", HERD_ERROR_UNREACHABLE,
    "it failed, as when it cannot write its zone: see its log" },
  { "syntax error", HERD_ERROR_UNREACHABLE,
    "nothing was sent: the server's name cannot be resolved, it seems" },
  { "Communication with", HERD_ERROR_UNREACHABLE,
    "it cannot be reached over TCP: check the solver's server, and that it runs" },
  { "timed out", HERD_ERROR_UNREACHABLE, "it did not answer in time: see whether it runs" },
};

GError *
update_explain (const Update *update, const char *server, const UpdateKey *key, int status,
                const char *complaint)
{
  HerdError code = HERD_ERROR_CHALLENGE_FAILED;
  const char *meaning = "see the server's log";

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (strstr (complaint, rows[i].words) != NULL) {
      code = rows[i].code;
      meaning = rows[i].meaning;
      break;
    }
  }
  return g_error_new (HERD_ERROR, (int) code,
                      "%s%s in zone %s, server %s, key %s (%s): %s (nsupdate: status %d, %s)",
                      (const char *) update->names->pdata[0],
                      update->names->len > 1 ? " and others" : "", update->zone, server, key->name,
                      key->algorithm, meaning, status, *complaint != '\0' ? complaint : "silent");
}
