// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands for the account of an issuer: register, set-contacts, roll-key, deactivate, import. Agreeing
 * to a CA's terms is always a human's explicit word: where it is missing, the terms' URL and the command
 * that agrees are printed. Secrets go to the agent in sealed memory, never as text. Owned by certherdctl;
 * one thread.
 */
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/output.h"

/* The agent takes no larger ones. */
#define MAC_KEY_LIMIT 1024
#define KEY_LIMIT (64 * 1024)

/* ---- secrets ------------------------------------------------------------------------------- */

/* Copies what FROM has, up to LIMIT bytes, to the memory file TO. */
static gboolean
copy_secret (int from, int to, gsize limit)
{
  char buffer[4096];
  gsize total = 0;
  gssize got;

  while ((got = read (from, buffer, sizeof buffer)) > 0) {
    total += (gsize) got;
    if (total > limit || write (to, buffer, (gsize) got) != got) {
      got = -1;
      break;
    }
  }
  explicit_bzero (buffer, sizeof buffer);
  return got == 0;
}

/* A sealed memory file with the contents of FILE ("-": standard input); -1 if that cannot be. */
static int
open_secret (const char *file, gsize limit, GError **error)
{
  int from = g_str_equal (file, "-") ? dup (STDIN_FILENO) : open (file, O_RDONLY | O_CLOEXEC);
  int secret = from >= 0 ? memfd_create ("certherdctl", MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;

  if (secret >= 0 && copy_secret (from, secret, limit)
      && fcntl (secret, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
             == 0) {
    close (from);
    return secret;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("%s cannot be read, or has more than %zu bytes"), file, limit);
  if (secret >= 0)
    close (secret);
  if (from >= 0)
    close (from);
  return -1;
}

/* ---- following what is done to an account --------------------------------------------------- */

/* Says which terms wait for an agreement, and how to give it, if MESSAGE is about that. */
static void
print_terms (HerdCtl *ctl, const char *name, const char *path, const char *message)
{
  g_autofree char *url = herd_ctl_get_string (ctl, path, HERD_CTL_ISSUER, "TermsUrl");
  if (url == NULL || *url == '\0' || strstr (message, "terms") == NULL)
    return;
  g_autofree char *clean = herd_ctl_clean (url);
  g_autofree char *quoted = g_shell_quote (clean);
  g_printerr (_ ("The CA's terms of service: %s\nIf you agree to them:\n"), clean);
  g_printerr ("  certherdctl %sissuer register %s --agree-terms %s\n",
              ctl->session ? "--session " : "", name, quoted);
}

/* A registration that failed: says why, and what to do. */
static void
report_registration (HerdCtl *ctl, const char *name, const char *path, GVariant *properties)
{
  herd_ctl_report_failure (ctl, name, properties);
  if (g_str_equal (herd_ctl_get_text (properties, "Error"), "org.certherd.Error.ActionRequired"))
    print_terms (ctl, name, path, herd_ctl_get_text (properties, "ErrorMessage"));
}

static HerdCtlStatus
fail_registration (HerdCtl *ctl, const char *name, const char *path, const GError *error)
{
  HerdCtlStatus status = herd_ctl_fail (ctl, error);
  g_autofree char *remote = g_dbus_error_get_remote_error (error);
  if (!ctl->json && g_strcmp0 (remote, "org.certherd.Error.ActionRequired") == 0)
    print_terms (ctl, name, path, error->message);
  return status;
}

static HerdCtlStatus
finish_registration (HerdCtl *ctl, const char *name, const char *path, const char *operation)
{
  g_autoptr (GVariant) properties = NULL;
  HerdCtlStatus status = HERD_CTL_OK;
  if (!g_str_equal (operation, "/"))
    status = herd_ctl_follow (ctl, operation, name, &properties);
  if (properties == NULL && status != HERD_CTL_OK)
    return status;
  if (ctl->json) {
    g_autoptr (GVariant) issuer = herd_ctl_get_all (ctl, path, HERD_CTL_ISSUER, NULL);
    JsonObject *object = herd_ctl_json_new (issuer);
    json_object_set_string_member (object, "path", path);
    if (properties != NULL)
      json_object_set_object_member (object, "operation", herd_ctl_json_new (properties));
    herd_ctl_json_print_object (object, FALSE);
    return status;
  }
  if (status == HERD_CTL_OK)
    return herd_ctl_issuer_print (ctl, path);
  if (!g_str_equal (herd_ctl_get_text (properties, "State"), "running"))
    report_registration (ctl, name, path, properties);
  return status;
}

/* Calls MEMBER of the issuer that the command names, with PARAMETERS (floating) and, if SECRET is not -1,
 * that descriptor (taken), and follows the operation. */
static HerdCtlStatus
run_command (HerdCtl *ctl, const char *member, GVariant *parameters, int secret)
{
  const char *name = ctl->arguments[1];
  g_autoptr (GVariant) kept = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autoptr (GUnixFDList) list = secret >= 0 ? g_unix_fd_list_new_from_array (&secret, 1) : NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = herd_ctl_find (ctl, "GetIssuer", name, &error);
  if (path == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call_with_fds (ctl, path, HERD_CTL_ISSUER, member, kept,
                                                       list, "(o)", &error);
  if (reply == NULL)
    return fail_registration (ctl, name, path, error);
  const char *operation;
  g_variant_get (reply, "(&o)", &operation);
  return finish_registration (ctl, name, path, operation);
}

/* ---- register ------------------------------------------------------------------------------ */

typedef struct {
  char *agree_terms;
  char **contacts;
  char *kid;
  char *mac_file;
  char *algorithm;
} Registration;

static void
registration_clear (Registration *registration)
{
  g_free (registration->agree_terms);
  g_strfreev (registration->contacts);
  g_free (registration->kid);
  g_free (registration->mac_file);
  g_free (registration->algorithm);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Registration, registration_clear)

/* a{sv}, floating. */
static GVariant *
registration_to_variant (const Registration *registration)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  if (registration->agree_terms != NULL)
    g_variant_dict_insert (&dict, "agree-terms", "s", registration->agree_terms);
  if (registration->contacts != NULL)
    g_variant_dict_insert_value (&dict, "contacts",
                                 herd_ctl_contacts_to_variant (registration->contacts));
  if (registration->kid != NULL)
    g_variant_dict_insert (&dict, "eab-kid", "s", registration->kid);
  if (registration->algorithm != NULL)
    g_variant_dict_insert (&dict, "eab-algorithm", "s", registration->algorithm);
  if (registration->mac_file != NULL)
    g_variant_dict_insert (&dict, "eab-hmac", "h", 0);
  return g_variant_dict_end (&dict);
}

HerdCtlStatus
herd_ctl_issuer_register (HerdCtl *ctl)
{
  g_auto (Registration) registration = { 0 };
  const GOptionEntry options[] = {
    { "agree-terms", 0, 0, G_OPTION_ARG_STRING, &registration.agree_terms,
      N_ ("The URL of the terms of service that you agree to"), N_ ("URL") },
    { "contact", 0, 0, G_OPTION_ARG_STRING_ARRAY, &registration.contacts,
      N_ ("Whom the CA may write to (repeat)"), N_ ("ADDRESS") },
    { "eab-kid", 0, 0, G_OPTION_ARG_STRING, &registration.kid,
      N_ ("The key id of the external account binding that the CA gave you"), N_ ("ID") },
    { "eab-hmac-file", 0, 0, G_OPTION_ARG_FILENAME, &registration.mac_file,
      N_ ("A file with the MAC key that belongs to it (- for standard input)"), N_ ("FILE") },
    { "eab-algorithm", 0, 0, G_OPTION_ARG_STRING, &registration.algorithm,
      N_ ("HS256 (default), HS384 or HS512"), N_ ("ALGORITHM") },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  int secret = -1;
  if (!herd_ctl_parse (
          ctl, options,
          N_ ("Creates the account at the CA, or finds it again; gives a valid one the "
              "contacts."),
          1, &error))
    return herd_ctl_fail (ctl, error);
  if (registration.mac_file != NULL) {
    secret = open_secret (registration.mac_file, MAC_KEY_LIMIT, &error);
    if (secret < 0)
      return herd_ctl_fail (ctl, error);
  }
  return run_command (ctl, "Register",
                      g_variant_new ("(@a{sv})", registration_to_variant (&registration)), secret);
}

/* ---- the others ---------------------------------------------------------------------------- */

HerdCtlStatus
herd_ctl_issuer_set_contacts (HerdCtl *ctl)
{
  g_auto (GStrv) contacts = NULL;
  gboolean none = FALSE;
  const GOptionEntry options[] = {
    { "contact", 0, 0, G_OPTION_ARG_STRING_ARRAY, &contacts,
      N_ ("Whom the CA may write to (repeat)"), N_ ("ADDRESS") },
    { "none", 0, 0, G_OPTION_ARG_NONE, &none, N_ ("Nobody any more"), NULL },
    { 0 },
  };
  char *nobody[] = { NULL };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, options, N_ ("Tells the CA whom it may write to."), 1, &error))
    return herd_ctl_fail (ctl, error);
  if ((contacts != NULL) == none) {
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("issuer set-contacts: either --contact or --none is needed"));
    return herd_ctl_fail (ctl, error);
  }
  return run_command (
      ctl, "SetContacts",
      g_variant_new ("(@as)", herd_ctl_contacts_to_variant (none ? nobody : contacts)), -1);
}

HerdCtlStatus
herd_ctl_issuer_roll_key (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (
          ctl, NULL,
          N_ ("Gives the account a new key, when the issuances that are under way have "
              "ended."),
          1, &error))
    return herd_ctl_fail (ctl, error);
  return run_command (ctl, "RollKey", NULL, -1);
}

HerdCtlStatus
herd_ctl_issuer_deactivate (HerdCtl *ctl)
{
  gboolean yes = FALSE;
  const GOptionEntry options[] = {
    { "yes", 0, 0, G_OPTION_ARG_NONE, &yes, N_ ("Yes, close the account for ever"), NULL },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (
          ctl, options,
          N_ ("Closes the account at the CA, for ever: nothing brings it back, and this "
              "issuer issues no more. What was issued stays valid."),
          1, &error))
    return herd_ctl_fail (ctl, error);
  if (!yes) {
    g_set_error (
        &error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        _ ("issuer deactivate: this closes the account of %s for ever, and nothing brings it "
           "back; say --yes if you mean it"),
        ctl->arguments[1]);
    return herd_ctl_fail (ctl, error);
  }
  return run_command (ctl, "Deactivate", NULL, -1);
}

HerdCtlStatus
herd_ctl_issuer_import (HerdCtl *ctl)
{
  g_autofree char *file = NULL;
  const GOptionEntry options[] = {
    { "key", 0, 0, G_OPTION_ARG_FILENAME, &file,
      N_ ("The account's private key: a JWK or PEM (- for standard input)"), N_ ("FILE") },
    { 0 },
  };
  g_auto (GVariantDict) nothing = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  int secret;
  if (!herd_ctl_parse (ctl, options,
                       N_ ("Takes over the account of another ACME client by its private key: "
                           "certbot's private_key.json, acme.sh's account.key, lego's KEY file, "
                           "the JWK of libwebsockets."),
                       1, &error))
    return herd_ctl_fail (ctl, error);
  if (file == NULL) {
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("issuer import: --key is missing"));
    return herd_ctl_fail (ctl, error);
  }
  secret = open_secret (file, KEY_LIMIT, &error);
  if (secret < 0)
    return herd_ctl_fail (ctl, error);
  return run_command (ctl, "ImportAccount",
                      g_variant_new ("(h@a{sv})", 0, g_variant_dict_end (&nothing)), secret);
}
