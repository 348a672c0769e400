// Records collections, reads them back, and knows which device-days are complete.
#pragma once

#include <utility>

#include "aquifer/collection_stream.h"
#include "aquifer/collection_writers.h"
#include "aquifer/method.h"
#include "aquifer/v1/collection.pb.h"

namespace aquifer::client {

// Records collections, reads them back, and knows which device-days are complete. The proto says
// more of each method, its errors above all.
class Collections : private Repository {
 public:
  using Repository::Repository;

  // Stores one line, or raises the amounts of the line already stored, unless it was
  // corrected.
  const Unary<v1::RecordCollectionRequest, v1::RecordCollectionResponse> RecordCollection{caller_};

  // Stores up to 1,000 lines in one transaction and answers line by line.
  const Unary<v1::RecordCollectionsRequest, v1::RecordCollectionsResponse> RecordCollections{
      caller_};

  // Stores any number of lines and tells what became of each.
  CollectionWriter WriteCollections(CollectionWriter::OnOutcome on_outcome = nullptr,
                                    const CallOptions& options = {}) const {
    return CollectionWriter(caller_, std::move(on_outcome), options);
  }

  // Stores any number of lines in one call and counts what became of them.
  CollectionImport ImportCollections(const CallOptions& options = {}) const {
    return CollectionImport(caller_, options);
  }

  // Reads one line by its id or by its key.
  const Unary<v1::GetCollectionRequest, v1::GetCollectionResponse> GetCollection{caller_};

  // Sets amounts or the collector's text of one line to what the caller states, lower ones
  // too, and keeps what was in the audit trail.
  const Unary<v1::CorrectCollectionRequest, v1::CorrectCollectionResponse> CorrectCollection{
      caller_};

  // Deletes the lines a filter selects, at most 10,000, and keeps each in the audit trail.
  const Unary<v1::DeleteCollectionsRequest, v1::DeleteCollectionsResponse> DeleteCollections{
      caller_};

  // Lists lines page by page, newest first unless asked otherwise.
  const Unary<v1::ListCollectionsRequest, v1::ListCollectionsResponse> ListCollections{caller_};

  // Reads every line a filter selects, oldest first, at constant memory and at the caller's pace.
  CollectionStream StreamCollections(const v1::StreamCollectionsRequest& request,
                                     const CallOptions& options = {}) const {
    return CollectionStream(caller_, request, options);
  }

  // Sums lines by civil day, ISO week, month, device or collector, or by a pair of them.
  const Unary<v1::SummarizeCollectionsRequest, v1::SummarizeCollectionsResponse>
      SummarizeCollections{caller_};

  // Tells whether a device has lines at an instant or on a civil day.
  const Unary<v1::CheckCollectionExistsRequest, v1::CheckCollectionExistsResponse>
      CheckCollectionExists{caller_};

  // Tells, for each civil day of a range, how much data there is and how its fetches ended.
  const Unary<v1::GetDataAvailabilityRequest, v1::GetDataAvailabilityResponse> GetDataAvailability{
      caller_};

  // Lists the known devices with the count, the sums and the first and last of their lines.
  const Unary<v1::ListCollectionDevicesRequest, v1::ListCollectionDevicesResponse>
      ListCollectionDevices{caller_};

  // Notes how the fetches of up to 1,000 device-days ended.
  const Unary<v1::RecordFetchOutcomesRequest, v1::RecordFetchOutcomesResponse> RecordFetchOutcomes{
      caller_};

  // Finds the device-days that were never fetched, failed or came back empty.
  const Unary<v1::FindMissingRequest, v1::FindMissingResponse> FindMissing{caller_};

  // Lists the raw collector texts of lines, with counts, first and last use and the worker
  // each is mapped to.
  const Unary<v1::ListCollectorTextsRequest, v1::ListCollectorTextsResponse> ListCollectorTexts{
      caller_};

  // Maps a raw collector text to a worker, for past and future lines alike; a worker who was
  // deleted keeps past lines, and may be given more.
  const Unary<v1::SetCollectorAliasRequest, v1::SetCollectorAliasResponse> SetCollectorAlias{
      caller_};

  // Removes the mapping of a raw collector text; the lines keep their text.
  const Unary<v1::DeleteCollectorAliasRequest, v1::DeleteCollectorAliasResponse>
      DeleteCollectorAlias{caller_};
};

}  // namespace aquifer::client
