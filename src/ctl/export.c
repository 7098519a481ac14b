// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The export command: chain and key of a certificate as files, for what cannot ask certherd itself. A copy
 * is not renewed; targets are. The key is asked for only where a file is to have it, and goes to standard
 * output only if that is named. Owned by certherdctl; one thread.
 */
#include "ctl/export.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "ctl/output.h"

/* Far more than any chain or key has. */
#define CONTENTS_LIMIT (1024 * 1024)
#define FILES_MAX 2

typedef enum {
  FORMAT_PEM,
  FORMAT_DER,
  FORMAT_PKCS12,
} Format;

typedef struct {
  char *format_name;
  char *output;
  char *chain;
  char *key;
  char *password_file;
  char *generation_text;
  guint64 generation; /* 0: the current one */
  gboolean legacy;
  gboolean force;
  Format format;
} Wish;

static void
wish_clear (Wish *wish)
{
  g_free (wish->format_name);
  g_free (wish->output);
  g_free (wish->chain);
  g_free (wish->key);
  g_free (wish->password_file);
  g_free (wish->generation_text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wish, wish_clear)

/* ---- what is wished for -------------------------------------------------------------------- */

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, why);
  return FALSE;
}

static gboolean
read_format (Wish *wish, GError **error)
{
  static const char *const names[] = {
    [FORMAT_PEM] = "pem", [FORMAT_DER] = "der", [FORMAT_PKCS12] = "pkcs12"
  };

  for (Format i = FORMAT_PEM; i <= FORMAT_PKCS12; i++) {
    if (g_strcmp0 (wish->format_name != NULL ? wish->format_name : "pem", names[i]) == 0) {
      wish->format = i;
      return TRUE;
    }
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("“%s” is no format: pem, der or pkcs12"), wish->format_name);
  return FALSE;
}

static gboolean
is_output (const char *path)
{
  return g_strcmp0 (path, "-") == 0;
}

/* Standard output takes one thing, and a terminal no bytes. */
static gboolean
check_output (const HerdCtl *ctl, const Wish *wish, GError **error)
{
  guint count = is_output (wish->output) + is_output (wish->chain) + is_output (wish->key);

  if (count > 1)
    return refuse (error, _ ("standard output (“-”) can have one thing only"));
  if (count == 1 && ctl->json)
    return refuse (error, _ ("--json needs standard output; name a file"));
  if (count == 1 && ctl->terminal && wish->format != FORMAT_PEM)
    return refuse (error, _ ("this is not for a terminal; name a file"));
  return TRUE;
}

static gboolean
check_wish (const HerdCtl *ctl, Wish *wish, GError **error)
{
  gboolean is_pkcs12;

  if (!read_format (wish, error)
      || !herd_ctl_read_generation (wish->generation_text, &wish->generation, error))
    return FALSE;
  is_pkcs12 = wish->format == FORMAT_PKCS12;
  if (is_pkcs12 && (wish->chain != NULL || wish->key != NULL))
    return refuse (error, _ ("a PKCS#12 file has chain and key together; name it with --output"));
  if (is_pkcs12 && wish->output == NULL)
    return refuse (error, _ ("name the PKCS#12 file with --output"));
  if (wish->format == FORMAT_DER && wish->output != NULL)
    return refuse (error, _ ("a DER file has one thing: name one with --chain, for the "
                             "certificate, or --key"));
  if (!is_pkcs12 && (wish->password_file != NULL || wish->legacy))
    return refuse (error, _ ("--password-file and --legacy are for --format=pkcs12"));
  if (wish->output == NULL && wish->chain == NULL && wish->key == NULL)
    wish->chain = g_strdup ("-");
  return check_output (ctl, wish, error);
}

/* ---- what the agent gives ------------------------------------------------------------------ */

typedef struct {
  guint64 generation;
  GBytes *chain; /* PEM */
  GBytes *key;   /* PEM; NULL if it was not asked for */
} Bundle;

static void
bundle_clear (Bundle *bundle)
{
  g_clear_pointer (&bundle->chain, g_bytes_unref);
  g_clear_pointer (&bundle->key, g_bytes_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bundle, bundle_clear)

static GBytes *
read_memory (GUnixFDList *fds, int handle, GError **error)
{
  int descriptor = g_unix_fd_list_get (fds, handle, error);
  GBytes *bytes;

  if (descriptor < 0)
    return NULL;
  bytes = herd_ctl_secret_read (descriptor, CONTENTS_LIMIT, _ ("what the agent gave"), error);
  close (descriptor);
  return bytes;
}

/* The key needs a right that the chain does not need. */
static gboolean
fetch (HerdCtl *ctl, const char *path, const Wish *wish, Bundle *bundle, GError **error)
{
  gboolean with_key = wish->output != NULL || wish->key != NULL;
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  gint32 chain, key;

  if (wish->generation != 0)
    g_variant_dict_insert (&options, "generation", "t", wish->generation);
  reply = herd_ctl_call_for_fds (ctl, path, HERD_CTL_CERTIFICATE,
                                 with_key ? "OpenBundle" : "OpenChain",
                                 g_variant_new ("(@a{sv})", g_variant_dict_end (&options)),
                                 with_key ? "(thha{sv})" : "(tha{sv})", &fds, error);
  if (reply == NULL)
    return FALSE;
  if (with_key)
    g_variant_get (reply, "(thha{sv})", &bundle->generation, &chain, &key, NULL);
  else
    g_variant_get (reply, "(tha{sv})", &bundle->generation, &chain, NULL);
  bundle->chain = read_memory (fds, chain, error);
  if (bundle->chain != NULL && with_key)
    bundle->key = read_memory (fds, key, error);
  return bundle->chain != NULL && (bundle->key != NULL || !with_key);
}

/* ---- what is written ----------------------------------------------------------------------- */

static GBytes *
join (GBytes *first, GBytes *second)
{
  gsize first_size, second_size;
  const char *first_data = g_bytes_get_data (first, &first_size);
  const char *second_data = g_bytes_get_data (second, &second_size);
  char *both = g_malloc (first_size + second_size);

  memcpy (both, first_data, first_size);
  memcpy (both + first_size, second_data, second_size);
  return herd_ctl_secret_new_take (both, first_size + second_size);
}

/* The contents of --output. PASSWORD: of PKCS#12. */
static GBytes *
make_output (const HerdCtl *ctl, const Wish *wish, const Bundle *bundle, GBytes *password,
             GError **error)
{
  if (wish->format == FORMAT_PKCS12)
    return herd_ctl_to_pkcs12 (bundle->chain, bundle->key, ctl->arguments[1],
                               g_bytes_get_data (password, NULL), wish->legacy, error);
  return join (bundle->key, bundle->chain);
}

static GBytes *
make_chain (const Wish *wish, const Bundle *bundle, GError **error)
{
  return wish->format == FORMAT_DER ? herd_ctl_certificate_to_der (bundle->chain, error)
                                    : g_bytes_ref (bundle->chain);
}

static GBytes *
make_key (const Wish *wish, const Bundle *bundle, GError **error)
{
  return wish->format == FORMAT_DER ? herd_ctl_key_to_der (bundle->key, error)
                                    : g_bytes_ref (bundle->key);
}

static void
report (HerdCtl *ctl, const Bundle *bundle, const HerdCtlFile *files, guint count)
{
  JsonArray *paths;
  JsonObject *object;

  if (ctl->json) {
    object = json_object_new ();
    paths = json_array_new ();
    for (guint i = 0; i < count; i++)
      json_array_add_string_element (paths, files[i].path);
    json_object_set_string_member (object, "name", ctl->arguments[1]);
    json_object_set_int_member (object, "generation", (gint64) bundle->generation);
    json_object_set_array_member (object, "files", paths);
    herd_ctl_json_print_object (object, FALSE);
    return;
  }
  for (guint i = 0; i < count; i++) {
    g_autofree char *path = herd_ctl_clean (files[i].path);

    if (!is_output (files[i].path))
      g_print (_ ("%s: generation %" G_GUINT64_FORMAT " is in %s.\n"), ctl->arguments[1],
               bundle->generation, path);
  }
}

/* Before the agent is asked for a key and a human for a password. */
static gboolean
check_files (const Wish *wish, GError **error)
{
  const char *paths[] = { wish->output, wish->chain, wish->key };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    HerdCtlFile file = { .path = paths[i] };

    if (paths[i] != NULL && !herd_ctl_file_check (&file, wish->force, error))
      return FALSE;
    for (guint j = 0; paths[i] != NULL && j < i; j++) {
      if (g_strcmp0 (paths[i], paths[j]) == 0)
        return refuse (error, _ ("two files of one name"));
    }
  }
  return TRUE;
}

static gboolean export(HerdCtl *ctl, const Wish *wish, GError **error)
{
  g_auto (Bundle) bundle = { 0 };
  g_autoptr (GBytes) password = NULL;
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GBytes) key = NULL;
  HerdCtlFile files[FILES_MAX + 1];
  guint count = 0;
  g_autofree char *path = NULL;

  if (!check_files (wish, error))
    return FALSE;
  path = herd_ctl_find (ctl, "GetCertificate", ctl->arguments[1], error);
  if (path == NULL || !fetch (ctl, path, wish, &bundle, error))
    return FALSE;
  if (wish->format == FORMAT_PKCS12) {
    password = herd_ctl_password_read (wish->password_file, error);
    if (password == NULL)
      return FALSE;
  }
  if (wish->output != NULL) {
    output = make_output (ctl, wish, &bundle, password, error);
    files[count++] = (HerdCtlFile){ wish->output, output, TRUE, NULL };
  }
  if (wish->chain != NULL) {
    chain = make_chain (wish, &bundle, error);
    files[count++] = (HerdCtlFile){ wish->chain, chain, FALSE, NULL };
  }
  if (wish->key != NULL) {
    key = make_key (wish, &bundle, error);
    files[count++] = (HerdCtlFile){ wish->key, key, TRUE, NULL };
  }
  for (guint i = 0; i < count; i++) {
    if (files[i].bytes == NULL)
      return FALSE;
  }
  if (!herd_ctl_files_write (files, count, wish->force, error))
    return FALSE;
  report (ctl, &bundle, files, count);
  return TRUE;
}

HerdCtlStatus
herd_ctl_export (HerdCtl *ctl)
{
  g_auto (Wish) wish = { 0 };
  const GOptionEntry options[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &wish.format_name, N_ ("pem (default), der or pkcs12"),
      N_ ("FORMAT") },
    { "chain", 0, 0, G_OPTION_ARG_FILENAME, &wish.chain,
      N_ ("Where the chain goes; with der, the certificate alone"), N_ ("FILE") },
    { "key", 0, 0, G_OPTION_ARG_FILENAME, &wish.key, N_ ("Where the private key goes"),
      N_ ("FILE") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &wish.output,
      N_ ("Where both go together: pem, key first, or pkcs12"), N_ ("FILE") },
    { "generation", 0, 0, G_OPTION_ARG_STRING, &wish.generation_text,
      N_ ("An older generation, by its number"), N_ ("NUMBER") },
    { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &wish.password_file,
      N_ ("Whose first line is the password of the PKCS#12 file"), N_ ("FILE") },
    { "legacy", 0, 0, G_OPTION_ARG_NONE, &wish.legacy,
      N_ ("PKCS#12 for old devices: triple DES and SHA-1"), NULL },
    { "force", 0, 0, G_OPTION_ARG_NONE, &wish.force, N_ ("Replace files that are there"), NULL },
    { 0 },
  };
  g_autoptr (GError) error = NULL;

  if (!herd_ctl_parse (ctl, options,
                       N_ ("Writes the chain, the key or both to files; without any, the chain to "
                           "standard output, which “-” means everywhere. The files are copies: "
                           "nothing renews them."),
                       1, &error)
      || !check_wish (ctl, &wish, &error) || !export(ctl, &wish, &error))
    return herd_ctl_fail (ctl, error);
  return HERD_CTL_OK;
}
