// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Agent1: its methods; the properties are in agent1-properties.c.
 */
#include "bus/agent1.h"

#include <string.h>

#include "bus/callers.h"
#include "bus/details.h"
#include "bus/table.h"
#include "core/directories.h"
#include "core/filter.h"
#include "core/rights.h"
#include "herd-interfaces.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/text.h"

#define PAGE_MAX 500
#define PATTERN_MAX 64

static HerdRegistry *
get_registry (const HerdBusCall *call)
{
  return herd_agent_get_services (call->agent)->registry;
}

/* NAME is the caller's, and anything until here. */
static void
set_not_found (GError **error, const char *noun, const char *name, const char *advice)
{
  g_autofree char *clean = herd_text_from_remote (name, -1);

  g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "there is no %s “%s”; %s", noun, clean,
               advice);
}

/* --- RequestCertificate --- */

static gboolean
prepare_request (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) spec = g_variant_get_child_value (call->parameters, 1);
  const char *name;

  g_variant_get_child (call->parameters, 0, "&s", &name);
  if (!herd_agent_check_name (HERD_SECTION_CERTIFICATE, name, error))
    return FALSE;
  call->checked = herd_agent_check (call->agent, HERD_SECTION_CERTIFICATE, spec, error);
  return call->checked != NULL;
}

static void
start_request (HerdBusCall *call, gpointer slot)
{
  const char *name;

  g_variant_get_child (call->parameters, 0, "&s", &name);
  herd_agent_request_async (call->agent, call->uid, name, call->checked, herd_run_ready, slot);
}

static GVariant *
finish_request (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  HerdVerbResult ids;

  if (!herd_agent_verb_finish (result, &ids, error))
    return NULL;
  return g_variant_new ("(@o@o)", herd_bus_new_path (HERD_NOUN_CERTIFICATE, ids.object),
                        herd_bus_new_path (HERD_NOUN_OPERATION, ids.operation));
}

/* --- Preflight --- */

static HerdCertificate *
get_examined (const HerdBusCall *call)
{
  g_autoptr (GVariant) spec = g_variant_get_child_value (call->parameters, 0);
  const char *name = "";

  g_variant_lookup (spec, "certificate", "&s", &name);
  return herd_registry_find_certificate (get_registry (call), name);
}

static gboolean
prepare_preflight (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) spec = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) name = g_variant_lookup_value (spec, "certificate", NULL);
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (spec);
  g_autoptr (GVariant) wish = NULL;

  if (name != NULL && !g_variant_is_of_type (name, G_VARIANT_TYPE_STRING)) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "certificate: a name, a string, is wanted");
    return FALSE;
  }
  if (name != NULL && get_examined (call) == NULL) {
    set_not_found (error, "certificate", g_variant_get_string (name, NULL),
                   "“certherdctl list” has those that there are");
    return FALSE;
  }
  g_variant_dict_remove (&dictionary, "certificate");
  wish = g_variant_ref_sink (g_variant_dict_end (&dictionary));
  call->checked = herd_agent_check (call->agent, HERD_SECTION_CERTIFICATE, wish, error);
  return call->checked != NULL;
}

/* Names that nobody was allowed yet are hosts that the agent would speak to. */
static const char *
decide_preflight (HerdBusCall *call)
{
  return get_examined (call) == NULL || herd_spec_has (call->checked, "identifiers")
             ? "manage-issuers"
             : "renew";
}

static void
describe_preflight (const HerdBusCall *call, HerdDetails *details)
{
  const HerdCertificate *certificate = get_examined (call);
  g_autoptr (GVariant) wanted = certificate != NULL
                                    ? herd_spec_modify (certificate->spec, call->checked, NULL)
                                    : g_variant_ref (call->checked);

  herd_bus_describe_wish (call, certificate, wanted, details);
}

static void
start_preflight (HerdBusCall *call, gpointer slot)
{
  const HerdCertificate *certificate = get_examined (call);

  herd_agent_preflight_async (call->agent, call->uid, certificate != NULL ? certificate->id : 0,
                              call->checked, herd_run_ready, slot);
}

/* --- names --- */

static GVariant *
finish_get_certificate (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error)
{
  const HerdCertificate *certificate;
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  certificate = herd_registry_find_certificate (get_registry (call), name);
  if (certificate != NULL)
    return g_variant_new ("(@o)", herd_bus_new_path (HERD_NOUN_CERTIFICATE, certificate->id));
  set_not_found (error, "certificate", name, "“certherdctl list” has those that there are");
  return NULL;
}

static GVariant *
finish_get_issuer (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error)
{
  const HerdAuthority *authority;
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  authority = herd_registry_find_authority (get_registry (call), name);
  if (authority != NULL)
    return g_variant_new ("(@o)", herd_bus_new_path (HERD_NOUN_ISSUER, authority->id));
  set_not_found (error, "issuer", name,
                 "“certherdctl issuer list” has those that there are; a new file in issuers.d is "
                 "read at a reload");
  return NULL;
}

/* --- issuers --- */

static GVariant *
new_issuer_entry (HerdBusCall *call, HerdNoun noun, guint64 id, gpointer row)
{
  const HerdAuthority *authority = row;
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&dictionary, "path", herd_bus_new_path (noun, id));
  g_variant_dict_insert (&dictionary, "name", "s", authority->name);
  g_variant_dict_insert (&dictionary, "kind", "s", authority->kind);
  g_variant_dict_insert (&dictionary, "status", "s",
                         herd_agent_get_issuer_status (call->agent, authority));
  g_variant_dict_insert (
      &dictionary, "directory-url", "s",
      herd_directories_get_url (herd_agent_get_services (call->agent), authority));
  g_variant_dict_insert (&dictionary, "account-url", "s", authority->account->url);
  g_variant_dict_insert (&dictionary, "origin", "s", authority->from_file ? "file" : "bus");
  g_variant_dict_insert (&dictionary, "last-error", "s", authority->last_error_message);
  return g_variant_dict_end (&dictionary);
}

static gboolean
slice_issuers (HerdBusCall *call, gboolean *more, GError **error)
{
  static const HerdNoun nouns[] = { HERD_NOUN_ISSUER, HERD_NOUN_AGENT };

  return herd_bus_slice_objects (call, nouns, new_issuer_entry, "GetIssuer", more, error);
}

static GVariant *
finish_list_issuers (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED,
                     GError **error G_GNUC_UNUSED)
{
  return g_variant_new ("(@aa{sv})", herd_bus_take_items (call, G_VARIANT_TYPE ("aa{sv}")));
}

static GVariant *
finish_list_presets (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED,
                     GError **error G_GNUC_UNUSED)
{
  return g_variant_new ("(@aa{sv})",
                        herd_directories_list_presets (herd_agent_get_services (call->agent)));
}

/* The name is in polkit's question and in what rules see: it is checked before. */
static gboolean
prepare_add_issuer (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) settings = g_variant_get_child_value (call->parameters, 1);
  const char *name;

  g_variant_get_child (call->parameters, 0, "&s", &name);
  if (!herd_agent_check_name (HERD_SECTION_ISSUER, name, error))
    return FALSE;
  call->checked = herd_agent_check (call->agent, HERD_SECTION_ISSUER, settings, error);
  return call->checked != NULL;
}

static void
start_add_issuer (HerdBusCall *call, gpointer slot)
{
  const char *name;

  g_variant_get_child (call->parameters, 0, "&s", &name);
  herd_agent_add_issuer_async (call->agent, name, call->checked, herd_run_ready, slot);
}

static GVariant *
finish_add_issuer (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  HerdVerbResult ids;

  if (!herd_agent_verb_finish (result, &ids, error))
    return NULL;
  return g_variant_new ("(@o)", herd_bus_new_path (HERD_NOUN_ISSUER, ids.object));
}

/* --- ListCertificates --- */

static GVariant *
new_row (const HerdCertificate *certificate, gint64 now)
{
  const HerdGeneration *current = herd_certificate_get_current (certificate);
  g_auto (GStrv) identifiers = herd_spec_get_list (certificate->spec, "identifiers");

  return g_variant_new (
      "(@osss^asxxst)", herd_bus_new_path (HERD_NOUN_CERTIFICATE, certificate->id),
      certificate->name,
      herd_certificate_state_to_string (herd_certificate_get_state (certificate, now)),
      herd_certificate_get_activity (certificate, now), identifiers,
      current != NULL ? current->not_after : 0, certificate->action_time,
      herd_action_to_string (certificate->action), certificate->current);
}

typedef struct {
  HerdFilter *filter;
  guint32 limit;
  gint64 now;
  char *after; /* the last one that was looked at */
  char *last;  /* the last one in the page */
  gboolean full;
} Page;

static void
page_free (gpointer data)
{
  Page *page = data;

  herd_filter_free (page->filter);
  g_free (page->after);
  g_free (page->last);
  g_free (page);
}

static gboolean
prepare_list (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) dictionary = NULL;
  g_autoptr (HerdFilter) filter = NULL;
  const char *after;
  guint32 limit;
  Page *page;

  g_variant_get (call->parameters, "(@a{sv}&su)", &dictionary, &after, &limit);
  filter = herd_filter_new (dictionary, error);
  if (filter == NULL)
    return FALSE;
  if (limit == 0 || limit > PAGE_MAX) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "limit %u: allowed are 1 to %d rows; ask for the next with after", limit,
                 PAGE_MAX);
    return FALSE;
  }
  page = g_new0 (Page, 1);
  page->filter = g_steal_pointer (&filter);
  page->limit = limit;
  page->now = herd_clock_get_seconds (herd_agent_get_services (call->agent)->clock);
  page->after = g_strdup (after);
  page->last = g_strdup ("");
  call->progress = page;
  call->progress_free = page_free;
  return TRUE;
}

/* Puts CERTIFICATE into the page; FALSE: it is full, also where the rows before are very long. */
static gboolean
add_row (HerdBusCall *call, Page *page, const HerdCertificate *certificate)
{
  if ((call->items != NULL && call->items->len >= page->limit)
      || !herd_bus_add_item (call, new_row (certificate, page->now)))
    return FALSE;
  g_free (page->last);
  page->last = g_strdup (certificate->name);
  return TRUE;
}

static gboolean
slice_list (HerdBusCall *call, gboolean *more, GError **error G_GNUC_UNUSED)
{
  Page *page = call->progress;
  HerdCertificate *certificate = NULL;

  for (guint n = 0; n < HERD_BUS_SLICE && !page->full; n++) {
    certificate = herd_registry_next_certificate (get_registry (call), page->after);
    if (certificate == NULL)
      break;
    g_free (page->after);
    page->after = g_strdup (certificate->name);
    page->full = herd_filter_matches (page->filter, get_registry (call), certificate, page->now)
                 && !add_row (call, page, certificate);
  }
  *more = certificate != NULL && !page->full;
  return TRUE;
}

static GVariant *
finish_list (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
  const Page *page = call->progress;

  return g_variant_new ("(@a(osssasxxst)s)",
                        herd_bus_take_items (call, G_VARIANT_TYPE ("a(osssasxxst)")),
                        page->full ? page->last : "");
}

/* --- Subscribe --- */

/* Rules and people see the patterns, in one line with spaces between. */
static gboolean
check_patterns (const char *const *patterns, GError **error)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-*?";

  for (; *patterns != NULL; patterns++) {
    g_autofree char *shown = NULL;
    gsize length = strlen (*patterns);

    if (length >= 1 && length <= PATTERN_MAX && strspn (*patterns, allowed) == length)
      continue;
    shown = herd_text_from_remote (*patterns, -1);
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "patterns: \"%s\" matches no name of a certificate; a pattern has 1 to %d of a-z, "
                 "0-9, \".\", \"_\", \"-\", \"*\" and \"?\"",
                 shown, PATTERN_MAX);
    return FALSE;
  }
  return TRUE;
}

static gboolean
prepare_subscribe (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "target s", "server s", NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);
  g_autofree const char **patterns = NULL;

  g_variant_get_child (call->parameters, 0, "^a&s", &patterns);
  return herd_bus_check_options (call, options, known, error) && check_patterns (patterns, error);
}

static const char *
get_target (const HerdBusCall *call)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);
  const char *target = NULL;

  g_variant_lookup (options, "target", "&s", &target);
  return target;
}

/* A configured target's users need not be asked about; readers are looked at for each certificate. */
static const char *
decide_subscribe (HerdBusCall *call)
{
  const char *target = get_target (call);
  HerdDeliveries *deliveries = herd_agent_get_deliveries (call->agent);

  if (target == NULL || !herd_deliveries_has_target (deliveries, target))
    return NULL;
  return herd_rights_may_be_target (herd_agent_get_services (call->agent), target, call->uid)
             ? NULL
             : "deliver";
}

static void
describe_subscribe (const HerdBusCall *call, HerdDetails *details)
{
  g_autofree const char **patterns = NULL;

  g_variant_get_child (call->parameters, 0, "^a&s", &patterns);
  details->targets = g_strdup (get_target (call));
  details->patterns = g_strjoinv (" ", (char **) patterns);
}

/* Whoever is that target already may have gone unseen. */
static void
start_subscribe (HerdBusCall *call, gpointer slot)
{
  herd_bus_check_caller_async (call->bus,
                               herd_agent_get_holder (call->agent, call->uid, get_target (call)),
                               herd_run_ready, slot);
}

static GVariant *
finish_subscribe (HerdBusCall *call, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);
  g_autofree const char **patterns = NULL;
  g_autofree char *label = NULL;
  const HerdSubscription *subscription;
  const char *server = "";

  if (!herd_callers_check_finish (result, error))
    return NULL;
  g_variant_get_child (call->parameters, 0, "^a&s", &patterns);
  g_variant_lookup (options, "server", "&s", &server);
  label = herd_text_from_remote (server, -1);
  subscription = herd_agent_subscribe (call->agent, call->sender, call->uid, patterns,
                                       get_target (call), call->asked, label, error);
  if (subscription == NULL)
    return NULL;
  herd_bus_watch (call->bus, call->sender);
  call->made = subscription->id;
  return g_variant_new ("(@o)", herd_bus_new_path (HERD_NOUN_SUBSCRIPTION, subscription->id));
}

static void
after_subscribe (HerdBusCall *call)
{
  herd_deliveries_send_first (herd_agent_get_deliveries (call->agent), call->made);
}

/* --- Reload --- */

static void
start_reload (HerdBusCall *call, gpointer slot)
{
  herd_agent_reload_async (call->agent, herd_run_ready, slot);
}

static GVariant *
finish_reload (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  g_autoptr (GPtrArray) problems = herd_agent_reload_finish (result, error);
  GVariantBuilder builder;

  if (problems == NULL)
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    g_variant_dict_insert (&dictionary, "file", "s", problem->file);
    g_variant_dict_insert (&dictionary, "line", "u", problem->line);
    g_variant_dict_insert (&dictionary, "message", "s", problem->message);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_new ("(aa{sv})", &builder);
}

static const HerdBusMethod methods[] = {
  { .member = "RequestCertificate",
    .action = "request",
    .describe = herd_bus_describe_new_certificate,
    .prepare = prepare_request,
    .start = start_request,
    .finish = finish_request },
  { .member = "GetCertificate", .finish = finish_get_certificate },
  { .member = "GetIssuer", .finish = finish_get_issuer },
  { .member = "ListIssuers", .slice = slice_issuers, .finish = finish_list_issuers },
  { .member = "ListPresets", .finish = finish_list_presets },
  { .member = "AddIssuer",
    .action = "manage-issuers",
    .describe = herd_bus_describe_new_issuer,
    .prepare = prepare_add_issuer,
    .start = start_add_issuer,
    .finish = finish_add_issuer },
  { .member = "ListCertificates",
    .prepare = prepare_list,
    .slice = slice_list,
    .finish = finish_list },
  { .member = "Subscribe",
    .decide = decide_subscribe,
    .describe = describe_subscribe,
    .prepare = prepare_subscribe,
    .start = start_subscribe,
    .finish = finish_subscribe,
    .after = after_subscribe },
  { .member = "Preflight",
    .decide = decide_preflight,
    .describe = describe_preflight,
    .prepare = prepare_preflight,
    .start = start_preflight,
    .finish = herd_bus_finish_operation },
  { .member = "Reload", .action = "reload", .start = start_reload, .finish = finish_reload },
  { NULL },
};

const HerdBusInterface herd_bus_agent1 = {
  .info = &org_certherd_agent1_interface,
  .noun = HERD_NOUN_AGENT,
  .methods = methods,
  .properties = herd_bus_agent1_properties,
};
