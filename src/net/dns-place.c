// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finding a name's place: a table that goes round for every CNAME and every delegation.
 */
#include "net/dns-place.h"

#include <string.h>

#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"
#include "util/text.h"

#define HOPS_LIMIT 8
#define HOSTS_LIMIT 16
#define SERVERS_LIMIT 32

typedef struct {
  HerdDns *dns;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  char *asked; /* the name that it began with */
  char *name;
  const char *candidate; /* of NAME: is it a zone? */
  guint hops;
  char *zone;
  GPtrArray *hosts; /* char *: names of the zone's servers */
  GPtrArray *servers;
  GString *trouble;
} Search;

static void
server_free (gpointer data)
{
  HerdDnsServer *server = data;

  g_free (server->host);
  g_free (server->address);
  g_free (server);
}

void
herd_dns_place_free (HerdDnsPlace *place)
{
  if (place == NULL)
    return;
  g_free (place->name);
  g_free (place->zone);
  g_clear_pointer (&place->servers, g_ptr_array_unref);
  g_free (place->trouble);
  g_free (place);
}

static HerdDnsAnswer *
take_answer (Search *search, HerdRun *run, guint index, GError **error)
{
  return herd_dns_query_finish (search->dns, herd_run_get_result (run, index), error);
}

/* NAME without its first label; "" at the end. */
static const char *
get_parent (const char *name)
{
  const char *dot = strchr (name, '.');

  return dot != NULL ? dot + 1 : "";
}

static gboolean
count_hop (Search *search, GError **error)
{
  g_autofree char *shown = NULL;

  if (++search->hops <= HOPS_LIMIT)
    return TRUE;
  shown = herd_text_from_remote (search->name, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "more than %d CNAMEs and delegations, the last one at %s, perhaps a circle; correct "
               "the DNS records",
               HOPS_LIMIT, shown);
  return FALSE;
}

/* The search goes on at NAME. Its zone is looked for from its parent on: a resolver that was asked for
 * the name would remember that it is not there. */
static void
set_name (Search *search, const char *name)
{
  g_free (search->name);
  search->name = g_strdup (name);
  search->candidate = get_parent (search->name);
}

/* --- zone --- */

static gboolean
zone_enter (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  if (*search->candidate == '\0') {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "the resolvers know no zone that it could be in; does the domain exist?");
    return FALSE;
  }
  herd_dns_query_async (search->dns, search->candidate, HERD_DNS_SOA, NULL,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* The zone that CANDIDATE is in, as the SOA record shows: its own (RFC 1035 section 3.3.13), or the one
 * that vouches for there being none (RFC 2308 section 3). */
static const char *
find_zone (const HerdDnsAnswer *answer, const char *candidate)
{
  if (herd_dns_answer_find (answer, candidate, HERD_DNS_SOA) != NULL)
    return candidate;
  /* Behind a CNAME it is another's zone. */
  for (guint i = 0; answer->answers->len == 0 && i < answer->authorities->len; i++) {
    const HerdDnsRecord *record = answer->authorities->pdata[i];

    if (record->type == HERD_DNS_SOA && *record->owner != '\0'
        && herd_dns_name_is_within (candidate, record->owner))
      return record->owner;
  }
  return NULL;
}

static gboolean
zone_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (HerdDnsAnswer) answer = take_answer (search, run, 0, error);
  const char *zone;

  if (answer == NULL)
    return FALSE;
  zone = find_zone (answer, search->candidate);
  if (zone != NULL) {
    g_free (search->zone);
    search->zone = g_strdup (zone);
    return TRUE;
  }
  search->candidate = get_parent (search->candidate);
  herd_run_again (run, 0);
  return TRUE;
}

/* --- servers --- */

static gboolean
servers_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  herd_dns_query_async (search->dns, search->zone, HERD_DNS_NS, NULL,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static void
take_hosts (Search *search, GPtrArray *records, const char *zone)
{
  g_ptr_array_set_size (search->hosts, 0);
  for (guint i = 0; i < records->len && search->hosts->len < HOSTS_LIMIT; i++) {
    const HerdDnsRecord *record = records->pdata[i];

    if (record->type == HERD_DNS_NS && g_str_equal (record->owner, zone)
        && !g_ptr_array_find_with_equal_func (search->hosts, record->text, g_str_equal, NULL))
      g_ptr_array_add (search->hosts, g_strdup (record->text));
  }
}

static gboolean
servers_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (HerdDnsAnswer) answer = take_answer (search, run, 0, error);

  if (answer == NULL)
    return FALSE;
  take_hosts (search, answer->answers, search->zone);
  return TRUE;
}

/* --- addresses --- */

static gboolean
addresses_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  for (guint i = 0; i < search->hosts->len; i++) {
    const char *host = search->hosts->pdata[i];

    herd_dns_query_async (search->dns, host, HERD_DNS_A, NULL, herd_run_get_cancellable (run),
                          herd_run_ready, herd_run_slot (run));
    herd_dns_query_async (search->dns, host, HERD_DNS_AAAA, NULL, herd_run_get_cancellable (run),
                          herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static void
add_server (Search *search, const char *host, const char *address)
{
  g_autofree char *full = herd_dns_format_server (search->dns, address);
  HerdDnsServer *server;

  for (guint i = 0; i < search->servers->len; i++) {
    server = search->servers->pdata[i];
    if (g_str_equal (server->address, full))
      return;
  }
  if (search->servers->len >= SERVERS_LIMIT)
    return;
  server = g_new0 (HerdDnsServer, 1);
  server->host = g_strdup (host);
  server->address = g_steal_pointer (&full);
  g_ptr_array_add (search->servers, server);
}

static void
add_addresses (Search *search, const HerdDnsAnswer *answer, const char *host)
{
  const char *end = herd_dns_answer_follow (answer, host);

  for (guint i = 0; end != NULL && i < answer->answers->len; i++) {
    const HerdDnsRecord *record = answer->answers->pdata[i];

    if ((record->type == HERD_DNS_A || record->type == HERD_DNS_AAAA)
        && g_str_equal (record->owner, end))
      add_server (search, host, record->text);
  }
}

static void
note_trouble (Search *search, const char *trouble)
{
  g_string_append_printf (search->trouble, "%s%s", search->trouble->len > 0 ? "; " : "", trouble);
}

static gboolean
addresses_leave (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  g_ptr_array_set_size (search->servers, 0);
  g_string_truncate (search->trouble, 0);
  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdDnsAnswer) answer = take_answer (search, run, i, &local);

    /* Another server of the zone may do. */
    if (answer != NULL)
      add_addresses (search, answer, search->hosts->pdata[i / 2]);
    else
      note_trouble (search, local->message);
  }
  if (search->servers->len > 0)
    g_string_truncate (search->trouble, 0);
  else if (search->trouble->len == 0)
    note_trouble (search, "none of its servers has an address");
  return TRUE;
}

/* --- ask --- */

static gboolean
ask_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  for (guint i = 0; i < search->servers->len; i++) {
    const HerdDnsServer *server = search->servers->pdata[i];

    herd_dns_query_async (search->dns, search->name, HERD_DNS_CNAME, server->address,
                          herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

/* The zone to which ANSWER refers for NAME, or NULL: one that is nearer to NAME than ZONE. */
static const char *
find_delegation (const HerdDnsAnswer *answer, const char *name, const char *zone)
{
  for (guint i = 0; !answer->authoritative && i < answer->authorities->len; i++) {
    const HerdDnsRecord *record = answer->authorities->pdata[i];

    if (record->type == HERD_DNS_NS && strlen (record->owner) > strlen (zone)
        && herd_dns_name_is_within (record->owner, zone)
        && herd_dns_name_is_within (name, record->owner))
      return record->owner;
  }
  return NULL;
}

/* Goes on where ANSWER leads; FALSE: nowhere. */
static gboolean
go_on (Search *search, HerdRun *run, const HerdDnsAnswer *answer)
{
  const HerdDnsRecord *alias = herd_dns_answer_find (answer, search->name, HERD_DNS_CNAME);
  const char *delegation = find_delegation (answer, search->name, search->zone);

  if (alias != NULL) {
    set_name (search, alias->text);
    herd_run_jump (run, "zone");
    return TRUE;
  }
  if (delegation == NULL)
    return FALSE;
  take_hosts (search, answer->authorities, delegation);
  g_free (search->zone);
  search->zone = g_strdup (delegation);
  herd_run_jump (run, "addresses");
  return TRUE;
}

/* Is ANSWER, of one of the zone's servers, to be believed? NOERROR and NXDOMAIN say something. */
static gboolean
is_answer (const HerdDnsAnswer *answer, const char *name, const char *zone)
{
  return (answer->authoritative && (answer->rcode == 0 || answer->rcode == 3))
         || (answer->rcode == 0 && find_delegation (answer, name, zone) != NULL);
}

static gboolean
ask_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (HerdDnsAnswer) found = NULL;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    const HerdDnsServer *server = search->servers->pdata[i];
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdDnsAnswer) answer = take_answer (search, run, i, &local);

    if (answer == NULL) {
      note_trouble (search, local->message);
    } else if (!is_answer (answer, search->name, search->zone)) {
      g_autofree char *rcode = herd_dns_rcode_to_string (answer->rcode);
      g_autofree char *trouble = g_strdup_printf ("%s (%s) is not authoritative (%s)",
                                                  server->address, server->host, rcode);

      note_trouble (search, trouble);
    } else if (found == NULL) {
      found = g_steal_pointer (&answer);
    }
  }
  if (found == NULL)
    return TRUE;
  g_string_truncate (search->trouble, 0);
  if (go_on (search, run, found))
    return count_hop (search, error);
  herd_run_jump (run, "done");
  return TRUE;
}

/* --- resolve: where no server of the zone can be asked from here --- */

static gboolean
resolve_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  herd_dns_query_async (search->dns, search->name, HERD_DNS_CNAME, NULL,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
resolve_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (HerdDnsAnswer) answer = take_answer (search, run, 0, error);
  const HerdDnsRecord *alias;

  if (answer == NULL)
    return FALSE;
  alias = herd_dns_answer_find (answer, search->name, HERD_DNS_CNAME);
  if (alias == NULL)
    return TRUE;
  set_name (search, alias->text);
  herd_run_jump (run, "zone");
  return count_hop (search, error);
}

static const HerdStep steps[] = {
  { "zone", zone_enter, zone_leave, HERD_COMMIT_NONE },
  { "servers", servers_enter, servers_leave, HERD_COMMIT_NONE },
  { "addresses", addresses_enter, addresses_leave, HERD_COMMIT_NONE },
  { "ask", ask_enter, ask_leave, HERD_COMMIT_NONE },
  { "resolve", resolve_enter, resolve_leave, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static HerdDnsPlace *
take_place (Search *search)
{
  HerdDnsPlace *place = g_new0 (HerdDnsPlace, 1);

  place->name = g_steal_pointer (&search->name);
  place->zone = g_steal_pointer (&search->zone);
  place->servers = g_steal_pointer (&search->servers);
  if (search->trouble->len > 0)
    place->trouble = g_strdup (search->trouble->str);
  return place;
}

static void
finished (gpointer operation, const GError *error)
{
  Search *search = operation;
  g_autoptr (GTask) task = g_steal_pointer (&search->task);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "%s", search->asked);
  herd_follow_free (search->follow);
  herd_run_unref (search->run);
  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_pointer (task, take_place (search), (GDestroyNotify) herd_dns_place_free);
  g_free (search->asked);
  g_free (search->name);
  g_free (search->zone);
  g_ptr_array_unref (search->hosts);
  g_clear_pointer (&search->servers, g_ptr_array_unref);
  g_string_free (search->trouble, TRUE);
  herd_dns_unref (search->dns);
  g_free (search);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_dns_place_find_async (HerdDns *dns, const char *name, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data)
{
  Search *search = g_new0 (Search, 1);

  search->dns = herd_dns_ref (dns);
  search->task = g_task_new (NULL, NULL, callback, data);
  search->asked = g_strdup (name);
  search->hosts = g_ptr_array_new_with_free_func (g_free);
  search->servers = g_ptr_array_new_with_free_func (server_free);
  search->trouble = g_string_new (NULL);
  set_name (search, name);
  search->run = herd_run_new ("dns-place", steps, G_N_ELEMENTS (steps), &operations, search,
                              herd_dns_get_clock (dns), NULL);
  herd_run_start (search->run, NULL);
  search->follow = herd_follow_new (search->run, cancellable);
}

HerdDnsPlace *
herd_dns_place_find_finish (HerdDns *dns G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
