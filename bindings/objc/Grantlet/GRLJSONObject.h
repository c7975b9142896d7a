#import "GRLDefines.h"

NS_ASSUME_NONNULL_BEGIN

/// A JSON object that the engine gave: its text, to be sent as it is, and what stands in it.
///
/// Threads: never changes; any number may read it. It outlives the engine. The text of tokens and claims is wiped with
/// the last reference to it; not so the NSStrings that are made of it. `description` tells the members' names only.
NS_SWIFT_NAME(JSONObject)
@interface GRLJSONObject : NSObject <NSCopying> {
@private
    NSData *_JSONData;
}
/// The text in UTF-8, as it must be sent.
@property (nonatomic, readonly) NSData *JSONData NS_SWIFT_NAME(jsonData);
/// The same as a string.
@property (nonatomic, readonly) NSString *JSONString NS_SWIFT_NAME(jsonString);
/// All members, as NSJSONSerialization reads them. Parsed anew each time: keep it if you need several.
@property (nonatomic, readonly) NSDictionary<NSString *, id> *dictionary;

- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
/// One member, as NSJSONSerialization reads it; nil if there is none, or it is `null`.
- (nullable id)objectForKeyedSubscript:(NSString *)name;
/// One member of a type that you know, read without the others: text as it is, anything else as JSON text; nil if there
/// is none, or it is `null`.
- (nullable NSString *)stringForMember:(NSString *)name;
@end

NS_ASSUME_NONNULL_END
