// Collections in SQL: what each CollectionRepository RPC does inside its transaction.
//
// One object serves one transaction. Requests were checked against their proto rules, so a method
// only answers what the database alone can know. A method may run again after a conflict and so
// keeps nothing outside its result. The implementation is split by idea:
//   collection_record.cc     storing one line, the hot path
//   collection_record_joined.cc  storing the lines of several callers at once
//   collection_records.cc    storing many: batches, import
//   collection_changes.cc    correcting, with the audit trail
//   collection_deletes.cc    deleting, with the audit trail
//   collection_reads.cc      get, exists
//   collection_lists.cc      list, stream
//   collection_summaries.cc  sums by time, device and collector; collection_summary_sql.cc reads
//                            lines, collection_summary_rollup.cc the sums of days
//   collection_devices.cc    known devices
//   fetch_ledger.cc          recording fetch outcomes
//   fetch_completeness.cc    availability of data, what is missing
//   collector_texts.cc       raw collector texts and their workers
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "aquifer/v1/collection.pb.h"
#include "repositories/joined.h"
#include "repositories/session.h"
#include "repositories/stream_page.h"

namespace aquifer {

class CollectionRepository final {
 public:
  explicit CollectionRepository(Session& session) : session_(session) {}

  absl::StatusOr<v1::RecordCollectionResponse> RecordCollection(
      const v1::RecordCollectionRequest& request);
  // Several calls of RecordCollection, answered as if they came one after another.
  void RecordCollectionJoined(
      JoinedCalls<v1::RecordCollectionRequest, v1::RecordCollectionResponse> calls);
  absl::StatusOr<v1::RecordCollectionsResponse> RecordCollections(
      const v1::RecordCollectionsRequest& request);
  // Stores one message of the stream; line numbers count from 1 within it.
  absl::StatusOr<v1::ImportCollectionsResponse> ImportCollections(
      const v1::ImportCollectionsRequest& part);
  // Adds a part's answer to the whole import's.
  static void AppendImport(const v1::ImportCollectionsResponse& part,
                           v1::ImportCollectionsResponse& whole);

  absl::StatusOr<v1::GetCollectionResponse> GetCollection(const v1::GetCollectionRequest& request);
  void GetCollectionJoined(JoinedCalls<v1::GetCollectionRequest, v1::GetCollectionResponse> calls);
  absl::StatusOr<v1::CheckCollectionExistsResponse> CheckCollectionExists(
      const v1::CheckCollectionExistsRequest& request);
  void CheckCollectionExistsJoined(
      JoinedCalls<v1::CheckCollectionExistsRequest, v1::CheckCollectionExistsResponse> calls);
  absl::StatusOr<v1::ListCollectionsResponse> ListCollections(
      const v1::ListCollectionsRequest& request);
  // The page at `position`, empty for the first.
  absl::StatusOr<StreamPage<v1::StreamCollectionsResponse>> StreamCollections(
      const v1::StreamCollectionsRequest& request, const std::string& position);

  absl::StatusOr<v1::CorrectCollectionResponse> CorrectCollection(
      const v1::CorrectCollectionRequest& request);
  absl::StatusOr<v1::DeleteCollectionsResponse> DeleteCollections(
      const v1::DeleteCollectionsRequest& request);

  absl::StatusOr<v1::SummarizeCollectionsResponse> SummarizeCollections(
      const v1::SummarizeCollectionsRequest& request);
  absl::StatusOr<v1::ListCollectionDevicesResponse> ListCollectionDevices(
      const v1::ListCollectionDevicesRequest& request);

  absl::StatusOr<v1::RecordFetchOutcomesResponse> RecordFetchOutcomes(
      const v1::RecordFetchOutcomesRequest& request);
  void RecordFetchOutcomesJoined(
      JoinedCalls<v1::RecordFetchOutcomesRequest, v1::RecordFetchOutcomesResponse> calls);
  absl::StatusOr<v1::GetDataAvailabilityResponse> GetDataAvailability(
      const v1::GetDataAvailabilityRequest& request);
  absl::StatusOr<v1::FindMissingResponse> FindMissing(const v1::FindMissingRequest& request);

  absl::StatusOr<v1::ListCollectorTextsResponse> ListCollectorTexts(
      const v1::ListCollectorTextsRequest& request);
  absl::StatusOr<v1::SetCollectorAliasResponse> SetCollectorAlias(
      const v1::SetCollectorAliasRequest& request);
  absl::StatusOr<v1::DeleteCollectorAliasResponse> DeleteCollectorAlias(
      const v1::DeleteCollectorAliasRequest& request);

 private:
  Session& session_;
};

}  // namespace aquifer
