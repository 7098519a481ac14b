// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CAA records: finding them, a question for each level of the name, and reading their values. Every search
 * is a run of its own.
 */
#include "net/caa.h"

#include <string.h>

#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"
#include "util/text.h"

#define CRITICAL 128
#define BLANK " \t"
#define NO_ERROR 0
#define NAME_ERROR 3 /* RFC 1035 section 4.1.1 */

struct HerdCaa {
  char *name;
  char *owner;           /* where the CNAMEs of name end */
  HerdDnsAnswer *answer; /* NULL: there are no records */
};

typedef struct {
  HerdDns *dns;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char *name; /* the level that is asked about */
  HerdCaa *caa;
} Search;

void
herd_caa_free (HerdCaa *caa)
{
  if (caa == NULL)
    return;
  g_free (caa->name);
  g_free (caa->owner);
  herd_dns_answer_free (caa->answer);
  g_free (caa);
}

const char *
herd_caa_get_name (const HerdCaa *caa)
{
  return caa->answer != NULL ? caa->name : "";
}

/* --- finding them --- */

static gboolean
ask_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  herd_dns_query_async (search->dns, search->name, HERD_DNS_CAA, NULL,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
check_answer (const Search *search, const HerdDnsAnswer *answer, GError **error)
{
  g_autofree char *rcode = NULL;

  if (answer->rcode != NO_ERROR && answer->rcode != NAME_ERROR) {
    rcode = herd_dns_rcode_to_string (answer->rcode);
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "CAA of %s: the resolver said %s; look at the zone's servers", search->name,
                 rcode);
    return FALSE;
  }
  if (herd_dns_answer_follow (answer, search->name) != NULL)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "CAA of %s: its CNAMEs lead in a circle; mend the zone", search->name);
  return FALSE;
}

static gboolean
ask_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (HerdDnsAnswer)
      answer = herd_dns_query_finish (search->dns, herd_run_get_result (run, 0), error);
  const char *owner, *dot;
  char *above;

  if (answer == NULL || !check_answer (search, answer, error))
    return FALSE;
  owner = herd_dns_answer_follow (answer, search->name);
  if (herd_dns_answer_find (answer, owner, HERD_DNS_CAA) != NULL) {
    search->caa->name = g_strdup (search->name);
    search->caa->owner = g_strdup (owner);
    search->caa->answer = g_steal_pointer (&answer);
    return TRUE;
  }
  dot = strchr (search->name, '.');
  if (dot == NULL)
    return TRUE;
  above = g_strdup (dot + 1);
  g_free (search->name);
  search->name = above;
  herd_run_again (run, 0);
  return TRUE;
}

static const HerdStep steps[] = {
  { "ask", ask_enter, ask_leave, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  Search *search = operation;
  g_autoptr (GTask) task = g_steal_pointer (&search->task);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "CAA");
  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_pointer (task, g_steal_pointer (&search->caa), (GDestroyNotify) herd_caa_free);
  herd_follow_free (search->follow);
  herd_run_unref (search->run);
  herd_dns_unref (search->dns);
  herd_caa_free (search->caa);
  g_free (search->name);
  g_free (search);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_caa_find_async (HerdDns *dns, const char *name, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer data)
{
  Search *search = g_new0 (Search, 1);

  search->dns = herd_dns_ref (dns);
  search->task = g_task_new (NULL, NULL, callback, data);
  search->name = g_ascii_strdown (g_str_has_prefix (name, "*.") ? name + 2 : name, -1);
  search->caa = g_new0 (HerdCaa, 1);
  search->run = herd_run_new ("caa", steps, G_N_ELEMENTS (steps), &operations, search,
                              herd_dns_get_clock (dns), NULL);
  herd_run_start (search->run, NULL);
  search->follow = herd_follow_new (search->run, cancellable);
}

HerdCaa *
herd_caa_find_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- a value of issue or issuewild (RFC 8659 section 4.2) --- */

typedef struct {
  char *domain;           /* ""; none may issue */
  char *account;          /* NULL: any */
  char *methods;          /* a comma between; NULL: any */
  gboolean unsatisfiable; /* a parameter more than once (RFC 8657 sections 3 and 4) */
} Value;

static void
value_clear (Value *value)
{
  g_free (value->domain);
  g_free (value->account);
  g_free (value->methods);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Value, value_clear)

static gboolean
is_made_of (const char *text, const char *others)
{
  for (; *text != '\0'; text++) {
    if (!g_ascii_isalnum (*text) && strchr (others, *text) == NULL)
      return FALSE;
  }
  return TRUE;
}

static void
set_parameter (Value *value, char **parameter, const char *text)
{
  value->unsatisfiable = value->unsatisfiable || *parameter != NULL;
  g_free (*parameter);
  *parameter = g_strdup (text);
}

/* TEXT is "tag = value" with blanks around; FALSE: it is not. Tags that nobody knows change nothing. */
static gboolean
read_parameter (Value *value, char *text)
{
  char *equals = strchr (text, '=');
  const char *tag, *content;

  if (equals == NULL)
    return FALSE;
  *equals = '\0';
  tag = g_strstrip (text);
  content = g_strstrip (equals + 1);
  if (*tag == '\0' || !is_made_of (tag, "-"))
    return FALSE;
  for (const char *byte = content; *byte != '\0'; byte++) {
    if (*byte < 0x21 || *byte > 0x7e)
      return FALSE;
  }
  if (g_ascii_strcasecmp (tag, "accounturi") == 0)
    set_parameter (value, &value->account, content);
  else if (g_ascii_strcasecmp (tag, "validationmethods") == 0)
    set_parameter (value, &value->methods, content);
  return TRUE;
}

/* FALSE: malformed, which lets nobody issue. */
static gboolean
read_value (GBytes *data, Value *value)
{
  gsize size;
  const char *bytes = g_bytes_get_data (data, &size);
  g_autofree char *text = g_strndup (bytes, size);
  g_auto (GStrv) parts = NULL;

  if (strlen (text) != size)
    return FALSE;
  parts = g_strsplit (text, ";", -1);
  /* Nothing at all is the shortest form of ";". */
  value->domain = g_strdup (parts[0] != NULL ? g_strstrip (parts[0]) : "");
  if (!is_made_of (value->domain, "-."))
    return FALSE;
  for (guint i = 1; parts[0] != NULL && parts[i] != NULL; i++) {
    gboolean is_last = parts[i + 1] == NULL;

    if (is_last && parts[i][strspn (parts[i], BLANK)] == '\0')
      break;
    if (!read_parameter (value, parts[i]))
      return FALSE;
  }
  return TRUE;
}

/* --- judging --- */

static gboolean
has_method (const Value *value, const char *method)
{
  g_auto (GStrv) methods = g_strsplit (value->methods, ",", -1);

  for (char **one = methods; *one != NULL; one++)
    g_strstrip (*one);
  return g_strv_contains ((const char *const *) methods, method);
}

static gboolean
has_identity (const Value *value, const char *const *identities)
{
  for (; *identities != NULL; identities++) {
    if (g_ascii_strcasecmp (*identities, value->domain) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Does one record let WISH be? Where it does not, but another one of this CA might, REASON says why. */
static gboolean
lets (const HerdDnsRecord *record, const HerdCaaWish *wish, const char **reason)
{
  g_auto (Value) value = { 0 };

  if (!read_value (record->data, &value) || !has_identity (&value, wish->identities))
    return FALSE;
  if (value.unsatisfiable)
    *reason = "it says a parameter twice, which nobody can satisfy";
  else if (value.account != NULL && *wish->account == '\0')
    *reason = "it wants an account, and there is none yet";
  else if (value.account != NULL && !g_str_equal (value.account, wish->account))
    *reason = "its accounturi is not this account's";
  else if (value.methods != NULL && *wish->method != '\0' && !has_method (&value, wish->method))
    *reason = "its validationmethods do not have the one that would be used";
  else
    return TRUE;
  return FALSE;
}

static gboolean
is_known (const char *tag)
{
  static const char *const tags[] = { "issue", "issuewild", "iodef", NULL };

  return g_strv_contains (tags, tag);
}

/* The records of TAG; the whole set is TAG NULL. */
static GPtrArray *
select_records (const HerdCaa *caa, const char *tag)
{
  GPtrArray *selected = g_ptr_array_new ();

  for (guint i = 0; caa->answer != NULL && i < caa->answer->answers->len; i++) {
    HerdDnsRecord *record = caa->answer->answers->pdata[i];

    if (record->type == HERD_DNS_CAA && g_str_equal (record->owner, caa->owner)
        && (tag == NULL || g_str_equal (record->text, tag)))
      g_ptr_array_add (selected, record);
  }
  return selected;
}

/* "issue "ca.example", issue ";"" */
static char *
describe (const GPtrArray *records)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < records->len; i++) {
    const HerdDnsRecord *record = records->pdata[i];
    gsize size;
    const char *bytes = g_bytes_get_data (record->data, &size);

    g_string_append_printf (text, "%s%s \"", i > 0 ? ", " : "", record->text);
    g_string_append_len (text, bytes, (gssize) size);
    g_string_append_c (text, '"');
  }
  return herd_text_from_remote (text->str, (gssize) text->len);
}

static gboolean
find_critical (const GPtrArray *records, char **reason)
{
  for (guint i = 0; i < records->len; i++) {
    const HerdDnsRecord *record = records->pdata[i];
    g_autofree char *tag = NULL;

    if ((record->flags & CRITICAL) == 0 || is_known (record->text))
      continue;
    tag = herd_text_from_remote (record->text, -1);
    *reason = g_strdup_printf ("a critical record has the tag %s, which a CA that does not know it "
                               "has to obey by refusing",
                               tag);
    return TRUE;
  }
  return FALSE;
}

/* Does every record let nobody issue? */
static gboolean
lets_nobody (const GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++) {
    const HerdDnsRecord *record = records->pdata[i];
    g_auto (Value) value = { 0 };

    if (read_value (record->data, &value) && *value.domain != '\0')
      return FALSE;
  }
  return TRUE;
}

static HerdCaaVerdict
judge_records (const GPtrArray *records, const HerdCaaWish *wish, char **reason)
{
  g_autofree char *text = describe (records);
  const char *detail = "none of them names this CA";

  if (lets_nobody (records)) {
    *reason = g_strdup_printf ("%s lets no CA issue", text);
    return HERD_CAA_FORBIDDEN;
  }
  if (wish->identities[0] == NULL) {
    *reason = g_strdup_printf ("the CA does not say by which name %s would mean it", text);
    return HERD_CAA_UNKNOWN;
  }
  for (guint i = 0; i < records->len; i++) {
    if (lets (records->pdata[i], wish, &detail)) {
      *reason = g_strdup ("");
      return HERD_CAA_ALLOWED;
    }
  }
  *reason = g_strdup_printf ("%s: %s", text, detail);
  return HERD_CAA_FORBIDDEN;
}

HerdCaaVerdict
herd_caa_judge (const HerdCaa *caa, const HerdCaaWish *wish, char **reason)
{
  g_autoptr (GPtrArray) all = select_records (caa, NULL);
  g_autoptr (GPtrArray) plain = select_records (caa, "issue");
  g_autoptr (GPtrArray) wild = select_records (caa, "issuewild");
  const GPtrArray *relevant = wish->wildcard && wild->len > 0 ? wild : plain;

  if (find_critical (all, reason))
    return HERD_CAA_FORBIDDEN;
  if (relevant->len > 0)
    return judge_records (relevant, wish, reason);
  *reason = g_strdup ("");
  return HERD_CAA_ALLOWED;
}
