// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands that change a certificate: request, modify, renew, retry, remove; and waiting for what
 * they start. The options of request and modify are the keys of a wish, from one table. Owned by
 * certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

/* ---- the keys of a wish -------------------------------------------------------------------- */

typedef struct {
  const char
      *key; /* in the a{sv} on the bus, and the option's long name unless OPTION says other */
  const char *option;
  char letter;
  GOptionArg kind; /* string, string array, or none: a switch */
  const char *value;
  const char *help;
} Key;

#define TEXT G_OPTION_ARG_STRING
#define LIST G_OPTION_ARG_STRING_ARRAY
#define SWITCH G_OPTION_ARG_NONE

static const Key keys[] = {
  { "identifiers", "identifier", 'd', LIST, N_ ("ID"), N_ ("A DNS name or IP address (repeat)") },
  { "issuer", NULL, 'i', LIST, N_ ("ISSUER"), N_ ("Who issues") },
  { "challenge", NULL, 'c', LIST, N_ ("SOLVER"), N_ ("How control is proved (repeat)") },
  { "key-type", NULL, 'k', TEXT, N_ ("TYPE"),
    N_ ("ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096 or ed25519") },
  { "deliver", NULL, 't', LIST, N_ ("TARGET"),
    N_ ("Where it goes (repeat; default: live; empty: nowhere)") },
  { "readers", "reader", 0, LIST, N_ ("USER"), N_ ("Who may take the key over the bus (repeat)") },
  { "renew", NULL, 0, TEXT, N_ ("WHEN"),
    N_ ("auto, 14d (before the end), or 33% (of the lifetime left)") },
  { "lifetime", NULL, 0, TEXT, N_ ("TIME"),
    N_ ("How long it is to be valid: 30d (if the CA lets one choose)") },
  { "profile", NULL, 0, TEXT, N_ ("NAME"), N_ ("A profile of the CA's") },
  { "profile-policy", NULL, 0, TEXT, N_ ("POLICY"),
    N_ ("preferred (rather another profile than none) or required") },
  { "preferred-chain", NULL, 0, TEXT, N_ ("ROOT"),
    N_ ("Common name of the root, sha256:HEX or spki:HEX of a CA certificate") },
  { "must-staple", NULL, 0, SWITCH, NULL, N_ ("Good with a stapled OCSP answer only") },
  { "country", NULL, 0, TEXT, N_ ("C"), N_ ("Country in the subject") },
  { "state", NULL, 0, TEXT, N_ ("ST"), N_ ("State or province in the subject") },
  { "locality", NULL, 0, TEXT, N_ ("L"), N_ ("Locality in the subject") },
  { "organization", NULL, 0, TEXT, N_ ("O"), N_ ("Organization in the subject") },
  { "common-name", NULL, 0, TEXT, N_ ("CN"), N_ ("Common name: one of the identifiers") },
};

/* What was given for each key. */
typedef struct {
  char *texts[G_N_ELEMENTS (keys)];
  char **lists[G_N_ELEMENTS (keys)];
  gboolean switches[G_N_ELEMENTS (keys)];
} Wish;

static void
wish_clear (Wish *wish)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_clear_pointer (&wish->texts[i], g_free);
    g_clear_pointer (&wish->lists[i], g_strfreev);
  }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wish, wish_clear)

/* Where the option at INDEX is written to. */
static gpointer
wish_get_place (Wish *wish, gsize index)
{
  if (keys[index].kind == LIST)
    return &wish->lists[index];
  return keys[index].kind == SWITCH ? (gpointer) &wish->switches[index]
                                    : (gpointer) &wish->texts[index];
}

/* The options of a wish, and after them those of MORE (up to its NULL). */
static GArray *
wish_get_options (Wish *wish, const GOptionEntry *more)
{
  GArray *options = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    GOptionEntry entry = {
      .long_name = keys[i].option != NULL ? keys[i].option : keys[i].key,
      .short_name = keys[i].letter,
      .arg = keys[i].kind,
      .arg_data = wish_get_place (wish, i),
      .description = keys[i].help,
      .arg_description = keys[i].value,
    };
    g_array_append_val (options, entry);
  }
  for (; more->long_name != NULL; more++)
    g_array_append_val (options, *more);
  return options;
}

/* A list as given; an empty word stands for nothing, so that "--deliver=" is the empty list. */
static GVariant *
list_to_variant (char **list)
{
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("as"));
  for (; *list != NULL; list++) {
    if (**list != '\0')
      g_variant_builder_add (builder, "s", *list);
  }
  return g_variant_builder_end (builder);
}

/* a{sv}, floating. */
static GVariant *
wish_to_variant (const Wish *wish)
{
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("a{sv}"));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (wish->lists[i] != NULL)
      g_variant_builder_add (builder, "{sv}", keys[i].key, list_to_variant (wish->lists[i]));
    else if (wish->texts[i] != NULL)
      g_variant_builder_add (builder, "{sv}", keys[i].key, g_variant_new_string (wish->texts[i]));
    else if (wish->switches[i])
      g_variant_builder_add (builder, "{sv}", keys[i].key, g_variant_new_boolean (TRUE));
  }
  return g_variant_builder_end (builder);
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* What a certificate is now, in three lines. */
static void
print_certificate (HerdCtl *ctl, const char *name, GVariant *certificate)
{
  const char *state = herd_ctl_get_text (certificate, "State");
  HerdCtlColour colour = herd_ctl_state_colour (state);
  g_autofree char *until = herd_ctl_format_time (ctl, herd_ctl_get_int64 (certificate, "NotAfter"));
  g_autofree char *generation = g_strdup_printf ("%" G_GUINT64_FORMAT,
                                                 herd_ctl_get_uint64 (certificate, "Generation"));
  if (herd_ctl_get_uint64 (certificate, "Generation") == 0)
    g_print (_ ("%s: there is no certificate yet\n"), name);
  else
    /* Translators: "www is valid: generation 3, until 2031-05-04 03:02 (in 89 days)"; the second and
     * the fourth are colours. */
    g_print (_ ("%s is %s%s%s: generation %s, until %s\n"), name, herd_ctl_colour_on (ctl, colour),
             state, herd_ctl_colour_off (ctl, colour), generation, until);
  gint64 next = herd_ctl_get_int64 (certificate, "NextActionTime");
  if (next == 0)
    return;
  g_autofree char *action = herd_ctl_clean (herd_ctl_get_text (certificate, "NextAction"));
  g_autofree char *reason = herd_ctl_clean (herd_ctl_get_text (certificate, "NextActionReason"));
  g_autofree char *when = herd_ctl_format_time (ctl, next);
  g_print (_ ("Next: %s %s%s%s\n"), action, when, *reason != '\0' ? ": " : "", reason);
}

/* Ends a command that may have started OPERATION ("/": nothing to wait for). */
static HerdCtlStatus
finish (HerdCtl *ctl, const char *name, const char *path, const char *operation, gboolean no_wait)
{
  gboolean started = !g_str_equal (operation, "/");
  g_autoptr (GVariant) properties = NULL;
  HerdCtlStatus status = HERD_CTL_OK;
  if (started && !no_wait)
    status = herd_ctl_follow (ctl, operation, name, &properties);
  if (properties == NULL && status != HERD_CTL_OK)
    return status;
  g_autoptr (GVariant) certificate = herd_ctl_get_all (ctl, path, HERD_CTL_CERTIFICATE, NULL);
  if (ctl->json) {
    JsonObject *object = herd_ctl_json_new (certificate);
    json_object_set_string_member (object, "name", name);
    json_object_set_string_member (object, "path", path);
    if (properties != NULL)
      json_object_set_object_member (object, "operation", herd_ctl_json_new (properties));
    json_object_set_string_member (object, "operation-path", operation);
    herd_ctl_json_print_object (object, FALSE);
    return status;
  }
  if (properties != NULL && status != HERD_CTL_OK) {
    if (!g_str_equal (herd_ctl_get_text (properties, "State"), "running"))
      herd_ctl_report_failure (ctl, name, properties);
    return status;
  }
  if (started && no_wait)
    g_print (_ ("Started; \"certherdctl show %s\" says how far it is.\n"), name);
  else if (certificate != NULL)
    print_certificate (ctl, name, certificate);
  return status;
}

/* ---- commands ------------------------------------------------------------------------------ */

HerdCtlStatus
herd_ctl_request (HerdCtl *ctl)
{
  g_auto (Wish) wish = { 0 };
  gboolean no_wait = FALSE;
  const GOptionEntry more[] = {
    { "no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, N_ ("Do not wait for the certificate"),
      NULL },
    { 0 },
  };
  g_autoptr (GArray) options = wish_get_options (&wish, more);
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, (const GOptionEntry *) (gpointer) options->data,
                       N_ ("Wishes for a certificate: it is issued now, and kept renewed from then "
                           "on. Asking for the same again joins what is there."),
                       1, &error))
    return herd_ctl_fail (ctl, error);
  const char *name = ctl->arguments[1];
  g_autoptr (GVariant) reply = herd_ctl_call (
      ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "RequestCertificate",
      g_variant_new ("(s@a{sv})", name, wish_to_variant (&wish)), "(oo)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *path, *operation;
  g_variant_get (reply, "(&o&o)", &path, &operation);
  return finish (ctl, name, path, operation, no_wait);
}

HerdCtlStatus
herd_ctl_modify (HerdCtl *ctl)
{
  g_auto (Wish) wish = { 0 };
  gboolean no_wait = FALSE;
  g_auto (GStrv) unset = NULL;
  const GOptionEntry more[] = {
    { "unset", 'u', 0, G_OPTION_ARG_STRING_ARRAY, &unset,
      N_ ("Give this key its default again (repeat)"), N_ ("KEY") },
    { "no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, N_ ("Do not wait for the certificate"),
      NULL },
    { 0 },
  };
  g_autoptr (GArray) options = wish_get_options (&wish, more);
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, (const GOptionEntry *) (gpointer) options->data,
                       N_ ("Changes the wish. A list replaces the one that was there. Where the "
                           "change needs a new certificate, that is issued now."),
                       1, &error))
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) values = g_variant_ref_sink (wish_to_variant (&wish));
  if (g_variant_n_children (values) == 0 && unset == NULL) {
    error = g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         _ ("modify: nothing is given that should change"));
    return herd_ctl_fail (ctl, error);
  }
  const char *none[] = { NULL };
  const char *name = ctl->arguments[1];
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", name, &error);
  if (path == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call (
      ctl, path, HERD_CTL_CERTIFICATE, "Modify",
      g_variant_new ("(@a{sv}^as)", values, unset != NULL ? unset : (char **) none), "(o)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *operation;
  g_variant_get (reply, "(&o)", &operation);
  return finish (ctl, name, path, operation, no_wait);
}

HerdCtlStatus
herd_ctl_renew (HerdCtl *ctl)
{
  gboolean force = FALSE, no_wait = FALSE;
  g_autofree char *reason = NULL;
  const GOptionEntry options[] = {
    { "force", 'f', 0, G_OPTION_ARG_NONE, &force, N_ ("Do not wait for a back-off to end"), NULL },
    { "reason", 'r', 0, G_OPTION_ARG_STRING, &reason, N_ ("Why, for people"), N_ ("TEXT") },
    { "no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, N_ ("Do not wait for the certificate"),
      NULL },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, options, N_ ("Issues a new generation now: a new key and chain."), 1,
                       &error))
    return herd_ctl_fail (ctl, error);
  const char *name = ctl->arguments[1];
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", name, &error);
  if (path == NULL)
    return herd_ctl_fail (ctl, error);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  if (force)
    g_variant_dict_insert (&dict, "force", "b", TRUE);
  if (reason != NULL)
    g_variant_dict_insert (&dict, "reason", "s", reason);
  g_autoptr (GVariant)
      reply = herd_ctl_call (ctl, path, HERD_CTL_CERTIFICATE, "Renew",
                             g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)), "(o)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *operation;
  g_variant_get (reply, "(&o)", &operation);
  return finish (ctl, name, path, operation, no_wait);
}

typedef struct {
  char *reason;
  char *with;
  char *generation_text;
  guint64 generation; /* 0: the current one */
  gboolean at_once;
  gboolean no_wait;
} Revocation;

static void
revocation_clear (Revocation *revocation)
{
  g_free (revocation->reason);
  g_free (revocation->with);
  g_free (revocation->generation_text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Revocation, revocation_clear)

/* a{sv}, floating. The agent knows which words and numbers there are. */
static GVariant *
revocation_to_variant (const Revocation *revocation)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  if (revocation->reason != NULL)
    g_variant_dict_insert (&dict, "reason", "s", revocation->reason);
  if (revocation->with != NULL)
    g_variant_dict_insert (&dict, "with", "s", revocation->with);
  if (revocation->generation != 0)
    g_variant_dict_insert (&dict, "generation", "t", revocation->generation);
  if (revocation->at_once)
    g_variant_dict_insert (&dict, "at-once", "b", TRUE);
  return g_variant_dict_end (&dict);
}

HerdCtlStatus
herd_ctl_revoke (HerdCtl *ctl)
{
  g_auto (Revocation) revocation = { 0 };
  const GOptionEntry options[] = {
    /* Translators: these are words to be typed. */
    { "reason", 'r', 0, G_OPTION_ARG_STRING, &revocation.reason,
      N_ ("unspecified, key-compromise, affiliation-changed, superseded, cessation-of-operation"),
      N_ ("REASON") },
    { "generation", 'g', 0, G_OPTION_ARG_STRING, &revocation.generation_text,
      N_ ("This one (default: the current one)"), N_ ("NUMBER") },
    { "with", 'w', 0, G_OPTION_ARG_STRING, &revocation.with,
      N_ ("As the “account”, or with the certificate's own “key” (default: whichever can)"),
      N_ ("WHAT") },
    { "at-once", 0, 0, G_OPTION_ARG_NONE, &revocation.at_once,
      N_ ("Do not wait until a compromised key is replaced"), NULL },
    { "no-wait", 'n', 0, G_OPTION_ARG_NONE, &revocation.no_wait, N_ ("Do not wait for the CA"),
      NULL },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, options,
                       N_ ("Has the CA revoke a generation, for good. The certificate is replaced "
                           "at once, but after cessation-of-operation; with key-compromise it is "
                           "replaced first, and revoked when its targets have the new one."),
                       1, &error)
      || !herd_ctl_read_generation (revocation.generation_text, &revocation.generation, &error))
    return herd_ctl_fail (ctl, error);
  const char *name = ctl->arguments[1];
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", name, &error);
  if (path == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call (
      ctl, path, HERD_CTL_CERTIFICATE, "Revoke",
      g_variant_new ("(@a{sv})", revocation_to_variant (&revocation)), "(o)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *operation;
  g_variant_get (reply, "(&o)", &operation);
  return finish (ctl, name, path, operation, revocation.no_wait);
}

/* A member of one certificate that answers nothing: PARAMETERS as in herd_ctl_call(). */
static HerdCtlStatus
call_simple (HerdCtl *ctl, const char *description, const char *member, GVariant *parameters,
             const char *said)
{
  g_autoptr (GVariant) kept = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, description, 1, &error))
    return herd_ctl_fail (ctl, error);
  g_autofree char *path = herd_ctl_find (ctl, "GetCertificate", ctl->arguments[1], &error);
  if (path == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant)
      reply = herd_ctl_call (ctl, path, HERD_CTL_CERTIFICATE, member, kept, "()", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  if (ctl->json) {
    JsonObject *object = json_object_new ();
    json_object_set_string_member (object, "name", ctl->arguments[1]);
    json_object_set_string_member (object, "path", path);
    herd_ctl_json_print_object (object, FALSE);
  } else {
    g_autofree char *name = herd_ctl_clean (ctl->arguments[1]);
    g_print ("%s: %s\n", name, said);
  }
  return HERD_CTL_OK;
}

HerdCtlStatus
herd_ctl_retry (HerdCtl *ctl)
{
  return call_simple (ctl,
                      N_ ("Tries the deliveries that are pending, rejected or held again, now."),
                      "Retry", NULL, _ ("its deliveries are tried again"));
}

HerdCtlStatus
herd_ctl_remove (HerdCtl *ctl)
{
  return call_simple (ctl,
                      N_ ("Forgets the certificate, its keys, and what the targets have of it. It "
                          "revokes nothing, and does not ask whether you are sure."),
                      "Remove", g_variant_new_parsed ("(@a{sv} {},)"), _ ("removed"));
}
