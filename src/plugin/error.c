// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The error domain, and the one table that says what a CA's error means.
 */
#include "plugin/error.h"

typedef struct {
  char *type;
  char *instance;
  char *terms;
  char *identifier;
  GVariant *parts;
  guint status;
  gint64 retry_at;
  gboolean needs_human;
} HerdErrorPrivate;

static void
herd_error_private_init (HerdErrorPrivate *priv)
{
  memset (priv, 0, sizeof *priv);
}

static void
herd_error_private_copy (const HerdErrorPrivate *source, HerdErrorPrivate *target)
{
  target->type = g_strdup (source->type);
  target->instance = g_strdup (source->instance);
  target->terms = g_strdup (source->terms);
  target->identifier = g_strdup (source->identifier);
  target->parts = source->parts != NULL ? g_variant_ref (source->parts) : NULL;
  target->status = source->status;
  target->retry_at = source->retry_at;
  target->needs_human = source->needs_human;
}

static void
herd_error_private_clear (HerdErrorPrivate *priv)
{
  g_free (priv->type);
  g_free (priv->instance);
  g_free (priv->terms);
  g_free (priv->identifier);
  g_clear_pointer (&priv->parts, g_variant_unref);
}

static HerdErrorPrivate *herd_error_get_private (const GError *error);
static GQuark herd_error_domain (void);
#define herd_error_quark herd_error_domain
G_DEFINE_EXTENDED_ERROR (HerdError, herd_error)
#undef herd_error_quark

static const GDBusErrorEntry dbus_names[] = {
  { HERD_ERROR_FAILED, "org.certherd.Error.Failed" },
  { HERD_ERROR_INVALID_ARGUMENT, "org.certherd.Error.InvalidArgument" },
  { HERD_ERROR_NOT_FOUND, "org.certherd.Error.NotFound" },
  { HERD_ERROR_EXISTS, "org.certherd.Error.Exists" },
  { HERD_ERROR_NOT_AUTHORIZED, "org.certherd.Error.NotAuthorized" },
  { HERD_ERROR_BUSY, "org.certherd.Error.Busy" },
  { HERD_ERROR_UNREACHABLE, "org.certherd.Error.Unreachable" },
  { HERD_ERROR_RATE_LIMITED, "org.certherd.Error.RateLimited" },
  { HERD_ERROR_REFUSED, "org.certherd.Error.Refused" },
  { HERD_ERROR_CHALLENGE_FAILED, "org.certherd.Error.ChallengeFailed" },
  { HERD_ERROR_ACTION_REQUIRED, "org.certherd.Error.ActionRequired" },
  { HERD_ERROR_LOCKED, "org.certherd.Error.Locked" },
  { HERD_ERROR_LIMIT_EXCEEDED, "org.certherd.Error.LimitExceeded" },
  { HERD_ERROR_CANCELLED, "org.certherd.Error.Cancelled" },
};

GQuark
herd_error_quark (void)
{
  static gsize registered = 0;

  if (g_once_init_enter (&registered)) {
    for (guint i = 0; i < G_N_ELEMENTS (dbus_names); i++) {
      g_dbus_error_register_error (herd_error_domain (), dbus_names[i].error_code,
                                   dbus_names[i].dbus_error_name);
    }
    g_once_init_leave (&registered, 1);
  }
  return herd_error_domain ();
}

/* RFC 8555 section 6.7 and the registrations since: what each type means to us. */
static const struct {
  const char *type;
  HerdError code;
  HerdErrorClass error_class;
  const char *next_step;
  guint status; /* the only HTTP status that the row is for; 0: all that have no row of their own */
} problems[] = {
  { "accountDoesNotExist", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "register the issuer again", 0 },
  { "agreementRequired", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "agree to the terms of service", 0 },
  { "alreadyReplaced", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_IMMEDIATE,
    "the next attempt does not ask for a replacement", 0 },
  { "alreadyRevoked", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, NULL, 0 },
  { "autoRenewalCanceled", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "look who else uses the account", 0 },
  { "autoRenewalCancellationInvalid", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "look who else uses the account", 0 },
  { "autoRenewalExpired", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "look who else uses the account", 0 },
  { "autoRenewalRevocationNotSupported", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "look who else uses the account", 0 },
  { "badCSR", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "check the key type and the identifiers", 0 },
  { "badNonce", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_IMMEDIATE, NULL, 0 },
  { "badPublicKey", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "choose another key type", 0 },
  { "badRevocationReason", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "choose another reason",
    0 },
  { "badSignatureAlgorithm", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "choose another account key type", 0 },
  { "caa", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "let a CAA record of the name permit this CA", 0 },
  { "compound", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_BACKOFF, "it is tried again", 0 },
  { "conflict", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_BACKOFF, "it is tried again", 0 },
  { "connection", HERD_ERROR_CHALLENGE_FAILED, HERD_ERROR_CLASS_BACKOFF,
    "let the CA reach the responder from the Internet", 0 },
  { "dns", HERD_ERROR_CHALLENGE_FAILED, HERD_ERROR_CLASS_BACKOFF, "check the name's DNS records",
    0 },
  { "externalAccountRequired", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "this CA wants an external account binding", 0 },
  { "incorrectResponse", HERD_ERROR_CHALLENGE_FAILED, HERD_ERROR_CLASS_BACKOFF,
    "another server answers for the name", 0 },
  { "invalidContact", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "correct the issuer's contact", 0 },
  { "invalidProfile", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "choose another profile", 0 },
  { "malformed", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "certherd and the CA do not understand each other; report this", 0 },
  { "onionCAARequired", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "certherd cannot give what it wants", 0 },
  { "orderNotReady", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_BACKOFF, "it is tried again", 0 },
  { "rateLimited", HERD_ERROR_RATE_LIMITED, HERD_ERROR_CLASS_TIMED,
    "it is tried again when the CA permits it", 0 },
  { "rejectedIdentifier", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "the CA does not issue for this name", 0 },
  { "serverInternal", HERD_ERROR_UNREACHABLE, HERD_ERROR_CLASS_BACKOFF,
    "it is tried again; has the CA told of an outage?", 0 },
  { "tls", HERD_ERROR_CHALLENGE_FAILED, HERD_ERROR_CLASS_BACKOFF,
    "check the TLS server that answers for the name", 0 },
  { "unauthorized", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "the CA no longer accepts the account; register the issuer again", 401 },
  { "unauthorized", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "ask the CA what the account may do", 0 },
  { "unknownDelegation", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "look who else uses the account", 0 },
  { "unsupportedContact", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "correct the issuer's contact", 0 },
  { "unsupportedIdentifier", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
    "the CA does not know this kind of identifier", 0 },
  { "userActionRequired", HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN,
    "read what the CA asks for", 0 },
};

static int
find_problem (const char *type, guint status)
{
  for (guint i = 0; type != NULL && i < G_N_ELEMENTS (problems); i++) {
    if (g_str_equal (problems[i].type, type)
        && (problems[i].status == 0 || problems[i].status == status))
      return (int) i;
  }
  return -1;
}

/* A problem of an unknown type is judged by its HTTP status (RFC 8555 section 6.7). */
static HerdError
code_of_status (guint status)
{
  if (status == 429)
    return HERD_ERROR_RATE_LIMITED;
  if (status == 401)
    return HERD_ERROR_ACTION_REQUIRED;
  if (status == 0 || status >= 500)
    return HERD_ERROR_UNREACHABLE;
  return HERD_ERROR_REFUSED;
}

static HerdErrorClass
class_of_status (guint status)
{
  switch (code_of_status (status)) {
  case HERD_ERROR_RATE_LIMITED:
    return HERD_ERROR_CLASS_TIMED;
  case HERD_ERROR_ACTION_REQUIRED:
    return HERD_ERROR_CLASS_HUMAN;
  case HERD_ERROR_UNREACHABLE:
    return HERD_ERROR_CLASS_BACKOFF;
  case HERD_ERROR_FAILED:
  case HERD_ERROR_INVALID_ARGUMENT:
  case HERD_ERROR_NOT_FOUND:
  case HERD_ERROR_EXISTS:
  case HERD_ERROR_NOT_AUTHORIZED:
  case HERD_ERROR_BUSY:
  case HERD_ERROR_REFUSED:
  case HERD_ERROR_CHALLENGE_FAILED:
  case HERD_ERROR_LOCKED:
  case HERD_ERROR_LIMIT_EXCEEDED:
  case HERD_ERROR_CANCELLED:
    break;
  }
  return HERD_ERROR_CLASS_PERMANENT;
}

static HerdErrorClass
class_of_code (HerdError code)
{
  switch (code) {
  case HERD_ERROR_RATE_LIMITED:
    return HERD_ERROR_CLASS_TIMED;
  case HERD_ERROR_FAILED:
  case HERD_ERROR_BUSY:
  case HERD_ERROR_UNREACHABLE:
  case HERD_ERROR_CHALLENGE_FAILED:
    return HERD_ERROR_CLASS_BACKOFF;
  case HERD_ERROR_ACTION_REQUIRED:
  case HERD_ERROR_LOCKED:
    return HERD_ERROR_CLASS_HUMAN;
  case HERD_ERROR_INVALID_ARGUMENT:
  case HERD_ERROR_NOT_FOUND:
  case HERD_ERROR_EXISTS:
  case HERD_ERROR_NOT_AUTHORIZED:
  case HERD_ERROR_REFUSED:
  case HERD_ERROR_LIMIT_EXCEEDED:
  case HERD_ERROR_CANCELLED:
    break;
  }
  return HERD_ERROR_CLASS_PERMANENT;
}

HerdErrorClass
herd_error_class (const GError *error)
{
  const HerdErrorPrivate *priv;
  HerdErrorClass found;
  int row;

  if (error->domain != HERD_ERROR) {
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? HERD_ERROR_CLASS_PERMANENT
                                                                     : HERD_ERROR_CLASS_BACKOFF;
  }
  priv = herd_error_get_private (error);
  if (priv->needs_human)
    return HERD_ERROR_CLASS_HUMAN;
  row = find_problem (priv->type, priv->status);
  if (row >= 0)
    found = problems[row].error_class;
  else if (priv->status != 0)
    found = class_of_status (priv->status);
  else
    found = class_of_code ((HerdError) error->code);
  if (found == HERD_ERROR_CLASS_BACKOFF && priv->retry_at != 0)
    return HERD_ERROR_CLASS_TIMED;
  /* A rate limit without a time is waited out like any other trouble. */
  if (found == HERD_ERROR_CLASS_TIMED && priv->retry_at == 0)
    return HERD_ERROR_CLASS_BACKOFF;
  return found;
}

const char *
herd_error_class_to_string (HerdErrorClass error_class)
{
  switch (error_class) {
  case HERD_ERROR_CLASS_IMMEDIATE:
    return "immediate";
  case HERD_ERROR_CLASS_TIMED:
    return "timed";
  case HERD_ERROR_CLASS_BACKOFF:
    return "backoff";
  case HERD_ERROR_CLASS_HUMAN:
    return "human";
  case HERD_ERROR_CLASS_PERMANENT:
    return "permanent";
  }
  return "unknown";
}

/* For a type that the table does not have. A problem within an object has no status. */
static const char *
get_next_step (guint status)
{
  if (status == 429)
    return "it is tried again when the CA permits it";
  if (status == 401)
    return "the CA no longer accepts the account; register the issuer again";
  if (status >= 500)
    return "it is tried again; has the CA told of an outage?";
  return status != 0 ? "ask the CA what it means" : NULL;
}

GVariant *
herd_error_new_part (const char *identifier, const char *type, const char *detail)
{
  g_auto (GVariantDict) part = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&part, "identifier", "s", identifier != NULL ? identifier : "");
  g_variant_dict_insert (&part, "type", "s", type != NULL ? type : "");
  g_variant_dict_insert (&part, "detail", "s", detail != NULL ? detail : "");
  return g_variant_dict_end (&part);
}

/* Where nothing is said of each, it is said of the one that it is about. */
static GVariant *
get_parts (const HerdProblem *problem)
{
  GVariant *part;

  if (problem->parts != NULL)
    return g_variant_ref_sink (problem->parts);
  if (problem->identifier == NULL)
    return NULL;
  part = herd_error_new_part (problem->identifier, problem->type, problem->detail);
  return g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_VARDICT, &part, 1));
}

GError *
herd_error_new_problem (const HerdProblem *problem, const char *what)
{
  g_autoptr (GString) text = g_string_new (what);
  int row = find_problem (problem->type, problem->status);
  HerdError code = row >= 0 ? problems[row].code : code_of_status (problem->status);
  const char *next_step = row >= 0 ? problems[row].next_step : get_next_step (problem->status);
  GError *error;
  HerdErrorPrivate *priv;

  if (problem->identifier != NULL)
    g_string_append_printf (text, ": %s", problem->identifier);
  if (problem->detail != NULL)
    g_string_append_printf (text, ": %s", problem->detail);
  if (problem->type != NULL)
    g_string_append_printf (text, " (%s)", problem->type);
  else if (problem->status != 0)
    g_string_append_printf (text, " (HTTP status %u)", problem->status);
  if (problem->needs_human) {
    code = HERD_ERROR_ACTION_REQUIRED;
    next_step = "do what the CA asks for";
  }
  if (next_step != NULL)
    g_string_append_printf (text, "; %s", next_step);
  if (problem->instance != NULL)
    g_string_append_printf (text, ": %s", problem->instance);
  if (problem->terms != NULL && g_strcmp0 (problem->terms, problem->instance) != 0)
    g_string_append_printf (text, "; the terms of service are now %s", problem->terms);

  error = g_error_new_literal (HERD_ERROR, code, text->str);
  priv = herd_error_get_private (error);
  priv->type = g_strdup (problem->type);
  priv->instance = g_strdup (problem->instance);
  priv->terms = g_strdup (problem->terms);
  priv->identifier = g_strdup (problem->identifier);
  priv->parts = get_parts (problem);
  priv->status = problem->status;
  priv->retry_at = problem->retry_at;
  priv->needs_human = problem->needs_human;
  return error;
}

static const HerdErrorPrivate *
peek (const GError *error)
{
  return error != NULL && error->domain == HERD_ERROR ? herd_error_get_private (error) : NULL;
}

gint64
herd_error_get_retry_at (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->retry_at : 0;
}

const char *
herd_error_get_problem_type (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->type : NULL;
}

const char *
herd_error_get_instance (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->instance : NULL;
}

const char *
herd_error_get_terms (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->terms : NULL;
}

const char *
herd_error_get_identifier (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->identifier : NULL;
}

GVariant *
herd_error_get_parts (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->parts : NULL;
}

void
herd_error_add_parts (GError *error, const GError *other)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  GVariant *const lists[] = { herd_error_get_parts (error), herd_error_get_parts (other) };
  HerdErrorPrivate *priv;

  if (error->domain != HERD_ERROR || lists[1] == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    gsize n = lists[i] != NULL ? g_variant_n_children (lists[i]) : 0;

    for (gsize j = 0; j < n && rows->len < HERD_ERROR_PARTS_MAX; j++)
      g_ptr_array_add (rows, g_variant_get_child_value (lists[i], j));
  }
  priv = herd_error_get_private (error);
  g_clear_pointer (&priv->parts, g_variant_unref);
  priv->parts = g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE_VARDICT, (GVariant *const *) rows->pdata, rows->len));
}

guint
herd_error_get_status (const GError *error)
{
  const HerdErrorPrivate *priv = peek (error);

  return priv != NULL ? priv->status : 0;
}

void
herd_error_set_retry_at (GError *error, gint64 retry_at)
{
  g_return_if_fail (error->domain == HERD_ERROR);
  herd_error_get_private (error)->retry_at = retry_at;
}

void
herd_error_translate (GError **error, HerdError code, const char *format, ...)
{
  g_autofree char *prefix = NULL;
  va_list arguments;

  if (error == NULL || *error == NULL)
    return;
  va_start (arguments, format);
  prefix = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if ((*error)->domain != HERD_ERROR) {
    g_autoptr (GError) old = g_steal_pointer (error);

    if (g_error_matches (old, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      code = HERD_ERROR_CANCELLED;
    *error = g_error_new_literal (HERD_ERROR, code, old->message);
  }
  g_prefix_error (error, "%s: ", prefix);
}

const char *
herd_error_get_name (const GError *error)
{
  int code = HERD_ERROR_FAILED;

  if (error == NULL)
    return "";
  if (error->domain == HERD_ERROR)
    code = error->code;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    code = HERD_ERROR_CANCELLED;
  for (guint i = 0; i < G_N_ELEMENTS (dbus_names); i++) {
    if (dbus_names[i].error_code == code)
      return dbus_names[i].dbus_error_name;
  }
  return dbus_names[0].dbus_error_name;
}
